#include "scenarios/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

namespace moesim {

ProgressBar::~ProgressBar() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressBar::update(double share, std::size_t finished) {
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (elapsed < 1 || isatty(STDERR_FILENO) == 0) return;
  shown_ = true;
  constexpr int kCells = 30;
  const int full = static_cast<int>(share * kCells);
  std::cerr << fmt::format("\r\033[K[{:#<{}}{:.<{}}] {:3.0f} %  {} of {} cases  {:.0f} s left", "",
                           full, "", kCells - full, share * 100, finished, cases_,
                           share > 0 ? elapsed * (1 - share) / share : 0.0)
            << std::flush;
}

}  // namespace moesim
