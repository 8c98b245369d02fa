// Messages between the ranks of a run: one letter, then text.
#pragma once

namespace moesim::message {

// Rank 0 to the others.
inline constexpr char kScenario = 'S';  // JSON: the scenario to read.
inline constexpr char kJob = 'J';       // JSON: one simulation of that scenario.
inline constexpr char kDone = 'D';      // No more jobs of this scenario.
inline constexpr char kStop = 'X';      // No more scenarios.
// The others to rank 0.
inline constexpr char kAlive = 'A';   // Every few seconds.
inline constexpr char kResult = 'R';  // The job's number, a space, its result.
inline constexpr char kFailed = 'E';  // The job's number, a space, why it has no result.
inline constexpr char kFault = 'F';   // The error that ends the whole run.
inline constexpr char kLost = 'L';    // From the relay: the program of its rank has ended.

}  // namespace moesim::message
