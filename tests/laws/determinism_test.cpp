// Law L6: same scenario, same seed, same bytes, in any process and with any number of jobs.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reports/render/json/report_json.h"
#include "reports/render/report_csv.h"
#include "scenarios/run/run.h"
#include "tests/laws/shipped_cases.h"

namespace moesim {
namespace {

class EveryScenario : public testing::TestWithParam<std::string> {};

std::string bytes(const Scenario& scenario, int jobs) {
  RunOptions options;
  options.jobs = jobs;
  options.samples = 1;
  const Report report = run(scenario, options);
  return report_json(report).dump() + report_csv(report);
}

// The second time as large sweeps are done, where every row is read again by who simulates it.
TEST_P(EveryScenario, L6SameSeedGivesTheSameBytes) {
  const Scenario scenario = read_scenario(GetParam(), {});
  ReadOptions as_large;
  as_large.most_whole = 0;
  EXPECT_EQ(bytes(scenario, 1), bytes(read_scenario(GetParam(), {}, as_large), 3));
}

TEST_P(EveryScenario, TheResolvedScenarioIsTheSameScenario) {
  const Scenario scenario = read_scenario(GetParam(), {});
  const Scenario again = read_scenario_text(scenario.resolved, GetParam(), {});
  EXPECT_EQ(again.resolved, scenario.resolved);
  EXPECT_EQ(again.cases.size(), scenario.cases.size());
}

INSTANTIATE_TEST_SUITE_P(Shipped, EveryScenario, testing::ValuesIn(shipped_scenarios()),
                         [](const auto& shipped) {
                           std::string name = std::filesystem::path(shipped.param).stem().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           std::erase(name, '.');
                           return name;
                         });

}  // namespace
}  // namespace moesim
