#include "scenarios/run/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>

namespace moesim {

ProgressBar::~ProgressBar() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
}

std::string readable_duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::min(seconds, 1e12));
  if (whole < 120) return fmt::format("{} s", whole);
  const std::int64_t minutes = whole / 60, hours = minutes / 60;
  if (minutes < 120) return fmt::format("{} min", minutes);
  if (hours < 48) return fmt::format("{} h {:02} min", hours, minutes % 60);
  return fmt::format("{} days {} h", hours / 24, hours % 24);
}

void ProgressBar::update(const RunProgress& progress) {
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (elapsed < 1 || isatty(STDERR_FILENO) == 0) return;
  shown_ = true;
  constexpr int kCells = 30;
  const double share = progress.share;
  const int full = static_cast<int>(share * kCells);
  const double done = share * static_cast<double>(progress.total);
  std::cerr << fmt::format(
                   "\r\033[K[{:#<{}}{:.<{}}] {:3.0f} %  {} of {} {}{}", "", full, "", kCells - full,
                   share * 100, progress.finished, progress.total, progress.unit,
                   progress.recalled > 0 ? fmt::format(" ({} kept)", progress.recalled) : "")
            << fmt::format("  {:.3g}/s  {} left", done / elapsed,
                           share > 0 ? readable_duration(elapsed * (1 - share) / share) : "?")
            << std::flush;
}

}  // namespace moesim
