#include "scenarios/run/size_question.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <limits>
#include <optional>

#include "base/input_error.h"
#include "scenarios/run/progress_bar.h"
#include "scenarios/run/run.h"

namespace moesim {
namespace {

constexpr double kLongestTrial = 20;  // Seconds; a longer run is extrapolated.
constexpr std::int64_t kMostTries = 50;

struct TooLong {
  double seconds;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Time of one simulation. Throws: InputError for a scenario with faults.
double time_of(const Case& planned) {
  const auto start = std::chrono::steady_clock::now();
  ChildJobs trial;
  trial.count = 1;
  trial.work = [&](std::size_t, const ProgressSink& progress) {
    return simulate(planned, progress).reason;
  };
  trial.finished = [](std::size_t, const std::string&) {};
  trial.failed = [](std::size_t, std::exception_ptr) {};  // The run will say so.
  trial.progress = [&](double share, std::size_t) {
    const double seconds = seconds_since(start);
    if (seconds > kLongestTrial) throw TooLong{seconds / std::max(share, 0.01)};
  };
  try {
    run_children(trial);
    return seconds_since(start);
  } catch (const TooLong& slow) {
    return slow.seconds;
  }
}

std::optional<double> time_of_first_point(const Scenario& scenario) {
  for (std::int64_t row = 0; row < kMostTries; ++row) {
    const std::vector<Case> cases = read_row(scenario, row, {});
    if (!cases.empty() && cases.front().infeasible.empty()) return time_of(cases.front());
  }
  return std::nullopt;
}

bool agrees(const std::string& what) {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) return false;
  std::cerr << what << ". Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

std::int64_t points_meant(const std::string& text, const std::string& file,
                          const std::vector<Setting>& settings, const SizeQuestion& question) {
  constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  if (question.yes) return kAll;
  const double points = count_points(text, file, settings);
  if (points <= static_cast<double>(kMostUnaskedPoints)) return kMostUnaskedPoints;
  Scenario scenario;
  scenario.file = file;
  scenario.text = text;
  scenario.settings = settings;
  const auto seconds = time_of_first_point(scenario);
  const std::string duration =
      seconds ? "about " + readable_duration(*seconds * points / question.jobs) : "an unknown time";
  const std::string what =
      fmt::format("{:.0f} points, {} with {} at once", points, duration, question.jobs);
  if (agrees(fmt::format("{}: the sweep has {}", file, what))) return kAll;
  throw InputError({{file, 0, "sweep", what,
                     fmt::format("more than {} points need --yes", kMostUnaskedPoints)}});
}

}  // namespace moesim
