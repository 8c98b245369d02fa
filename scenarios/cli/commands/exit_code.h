// Exit codes of the program.
#pragma once

namespace moesim {

inline constexpr int kExitDone = 0;
inline constexpr int kExitBadInput = 1;
inline constexpr int kExitFailed = 1;  // A simulation ended without a result.
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNothingFeasible = 3;
inline constexpr int kExitInterrupted = 130;

}  // namespace moesim
