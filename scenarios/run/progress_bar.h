// A progress bar on the terminal, for work of more than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace moesim {

struct RunProgress {
  double share = 0;          // Of all work, 0 to 1.
  std::size_t finished = 0;  // Units done.
  std::size_t total = 0;     // Units to do.
  std::size_t recalled = 0;  // Units done by an earlier run, which are not in `total`.
  const char* unit = "simulations";
};

class ProgressBar {
 public:
  ProgressBar() = default;
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Shows share, rate and time left; nothing when stderr is no terminal.
  void update(const RunProgress& progress);

 private:
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// "40 s", "12 min", "3 h 05 min", "4 days 2 h".
std::string readable_duration(double seconds);

}  // namespace moesim
