#include "scenarios/cli/commands/check.h"

#include <fmt/format.h>

#include <iostream>
#include <set>

#include "scenarios/cases/scenario.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/cli/commands/measured_text.h"
#include "scenarios/cli/commands/memory_table.h"

namespace moesim {
namespace {

// "moe at moe.model.top_k = 16 cannot run: ..." for every such point of the sweep.
std::string infeasible_points(const Scenario& scenario) {
  std::string out;
  for (const Case& one : scenario.cases) {
    if (one.infeasible.empty() || !one.baseline_of.empty()) continue;
    std::string point;
    for (const auto& [path, value] : one.point) {
      point += fmt::format("{} {} = {}", point.empty() ? "" : ",", path, value);
    }
    out += fmt::format("{}{} at{} cannot run: {}\n", out.empty() ? "\n" : "", one.name, point,
                       one.infeasible);
  }
  return out;
}

// What the files of the cases say and nobody used, each once.
std::string notes_text(const Scenario& scenario) {
  std::string out;
  std::set<std::string> said;
  const auto add = [&](const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
      if (said.insert(note).second) out += fmt::format("{}{}\n", out.empty() ? "\n" : "", note);
    }
  };
  for (const Case& one : scenario.cases) {
    add(one.deployment.model.format_notes);
    if (one.workload) add(one.workload->notes);
  }
  return out;
}

}  // namespace

int check_command(const CheckArguments& arguments) {
  const Scenario scenario = read_scenario(arguments.file, settings_of(arguments.changes));
  std::cout << scenario.resolved << "\n"
            << memory_table(scenario) << measured_text(scenario) << infeasible_points(scenario)
            << notes_text(scenario);
  return kExitDone;
}

}  // namespace moesim
