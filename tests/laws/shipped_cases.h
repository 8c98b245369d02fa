// Every case of every shipped scenario at its first and last sweep point, for the laws to visit.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "scenarios/cases/scenario.h"
#include "sim/deployment/expert_memory.h"
#include "tests/sim/in_child.h"

namespace moesim {

inline std::vector<std::string> shipped_scenarios() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("scenarios")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

struct ShippedCase {
  std::string label;
  Case one;

  friend void PrintTo(const ShippedCase& shipped, std::ostream* out) { *out << shipped.label; }
};

inline bool fits(const Deployment& d) {
  return memory_ledger(d, nullptr).fits();
}

// Cases that can run, keyed by scenario, case and sweep point.
inline std::vector<ShippedCase> shipped_cases() {
  std::vector<ShippedCase> out;
  for (const std::string& file : shipped_scenarios()) {
    const Scenario scenario = read_scenario(file, {});
    for (std::size_t i = 0; i < scenario.cases.size(); ++i) {
      const Case& one = scenario.cases[i];
      const bool first = i == 0 || scenario.cases[i - 1].name != one.name;
      const bool last = i + 1 == scenario.cases.size() || scenario.cases[i + 1].name != one.name;
      if ((!first && !last) || !one.infeasible.empty() || !fits(one.deployment)) continue;
      std::string label = scenario.name + "_" + one.name;
      for (const auto& [path, value] : one.point) label += "_" + value;
      for (char& c : label) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      out.push_back({label, one});
    }
  }
  return out;
}

// The same traffic, ended as soon as a steady state is seen: laws hold whatever the length.
inline Workload brief(const Workload& workload) {
  Workload shorter = workload;
  if (shorter.precision) shorter.precision = {.half_width = 1, .unfinished = 1, .end_to_ends = 0.5};
  return shorter;
}

// A workload small enough to be run many times: `batch` requests at once.
inline Workload static_batch(std::int64_t batch, std::int64_t input, std::int64_t output) {
  Workload workload;
  workload.kind = ArrivalKind::kStatic;
  workload.requests.assign(batch, Request{Seconds(0), input, output});
  return workload;
}

}  // namespace moesim
