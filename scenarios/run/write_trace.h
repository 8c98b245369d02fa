// `run --trace`: runs the cases again, records a window of steps and writes trace.json.
#pragma once

#include <functional>
#include <string>

#include "scenarios/cases/scenario.h"
#include "sim/results/timeline.h"

namespace moesim {

struct TraceOptions {
  bool wanted = false;
  StepWindow steps = kDefaultWindow;
  bool or_latest = true;  // See TimelineRequest; false if the user named the steps.
};

// "100:132": steps 100 to 131. Throws: InputError for anything else.
StepWindow step_window(const std::string& text);

// Simulates the first kMostTracedCases cases of a scenario (without baselines and infeasible ones)
// up to the end of the window, each in a process of its own, `jobs` at once. Returns the text of
// trace.json; empty after an interrupt.
inline constexpr std::size_t kMostTracedCases = 8;
std::string trace_of(const Scenario& scenario, const TraceOptions& options, int jobs,
                     const std::function<void(double, std::size_t)>& progress);

}  // namespace moesim
