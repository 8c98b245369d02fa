// A bar on the terminal for anything that takes more than a second.
#pragma once

#include <chrono>
#include <cstddef>

namespace moesim {

class ProgressBar {
 public:
  explicit ProgressBar(std::size_t cases) : cases_(cases) {}
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Share of all work done, 0 to 1, and cases finished. Shows nothing when stderr is no terminal.
  void update(double share, std::size_t finished);

 private:
  std::size_t cases_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace moesim
