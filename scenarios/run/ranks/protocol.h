// What the ranks of a run tell each other: one letter, then text.
#pragma once

namespace moesim::message {

// Rank 0 to the others.
inline constexpr char kScenario = 'S';  // JSON: what to read.
inline constexpr char kJob = 'J';       // JSON: one simulation of it.
inline constexpr char kDone = 'D';      // No more jobs of this scenario.
inline constexpr char kStop = 'X';      // No more scenarios.
// The others to rank 0.
inline constexpr char kAlive = 'A';   // Every few seconds.
inline constexpr char kResult = 'R';  // The job's number, a space, what it sent home.
inline constexpr char kFault = 'F';   // Why the whole run must end.
inline constexpr char kLost = 'L';    // From the relay: the rank's program is gone.

}  // namespace moesim::message
