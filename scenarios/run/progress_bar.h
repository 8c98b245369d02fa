// A bar on the terminal for anything that takes more than a second.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace moesim {

struct RunProgress {
  double share = 0;          // Of what is to be simulated, 0 to 1.
  std::size_t finished = 0;  // Of `what`, ...
  std::size_t total = 0;     // ... of these, ...
  std::size_t recalled = 0;  // ... besides those that an earlier run had done.
  const char* what = "simulations";
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
