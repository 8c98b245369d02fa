// A scenario file, read and checked: what is asked, the traffic, the cases, and the sweep over
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hardware/variation.h"
#include "sim/deployment.h"
#include "sim/workload.h"

namespace moesim {

// One row of the report before it runs: a case at one point of the sweep.
struct Case {
  std::string name;
  std::vector<std::pair<std::string, std::string>> point;  // Sweep path -> value, as written.
  Deployment deployment;
  std::shared_ptr<const Workload> workload;
  std::string infeasible;  // Why this sweep point cannot run; empty = it can.
  // Name of the case before this one whose twin it is, with other routing; empty = a case of its
  // own.
  std::string baseline_of;
};

struct Scenario {
  std::string file;  // As the user wrote it.
  std::string name;
  std::string question;
  std::uint64_t seed = 0;
  std::string resolved;  // YAML with every default written out, cases as at the first sweep point.
  std::vector<Case> cases;
};

// A change to the file's text: `path` as in `sweep:`, `value` as it would be written there.
struct Setting {
  std::string path;
  std::string value;
};

// Reads a scenario, applies the settings, expands the sweep and checks every case.
// Throws: InputError with all faults at once: syntax, unknown keys, units, ranges, plans that do
// not add up. In a sweep, points that contradict themselves become cases with `infeasible` set.
// `variation` draws the uncertain numbers of all profiles, the traffic and the routed tokens anew.
Scenario read_scenario(const std::string& file, const std::vector<Setting>& settings,
                       const Variation& variation = {});

// The same from text; `file` is what messages call it and where relative paths start.
Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const std::vector<Setting>& settings, const Variation& variation = {});

}  // namespace moesim
