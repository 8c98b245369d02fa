// `moesim explain`, and dense twins and demand on their way into a report.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/cli/outcome.h"
#include "tests/cli/program.h"

namespace moesim {
namespace {

using nlohmann::json;

const std::string kScenario =
    "schema: 1\n"
    "name: pair\n"
    "workload:\n"
    "  requests: {static: {batch: 8}}\n"
    "  lengths: {input: 64, output: 16}\n"
    "cases:\n"
    "  - name: moe\n"
    "    model: qwen3-30b-a3b\n"
    "    cluster: {node: dgx-h100}\n"
    "    router: {tokens: balanced}\n"
    "    twins: [active]\n"
    "demand: {elasticity: 0.5}\n";

double sum_of_parts(const json& explanation) {
  double sum = 0;
  for (const auto& [name, part] : explanation.at("parts").items()) sum += part.get<double>();
  return sum;
}

TEST(Explain, OfAReportAndOfItsScenarioSayTheSameAndAddUp) {
  const Workplace place;
  place.write("a.yaml", kScenario);
  const Outcome ran = place.run({"run", "a.yaml", "--out", "o", "--samples", "0", "--quiet"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const std::string twin = "moe (dense, equal active)";
  const Outcome of_report = place.run({"explain", "o/report.json", "moe", twin, "--json"});
  const Outcome of_scenario = place.run({"explain", "a.yaml", "moe", twin, "--json"});
  ASSERT_EQ(of_report.code, 0) << of_report.err;
  EXPECT_EQ(of_report.out, of_scenario.out) << of_scenario.err;
  const json both = json::parse(of_report.out);
  for (const char* what : {"cost", "time"}) {
    const double whole = both.at(what).at("difference").get<double>();
    EXPECT_NEAR(sum_of_parts(both.at(what)), whole, 1e-9 * std::abs(whole)) << what;
  }
  const json back = json::parse(place.run({"explain", "o/report.json", twin, "moe", "--json"}).out);
  EXPECT_DOUBLE_EQ(back.at("cost").at("difference").get<double>(),
                   -both.at("cost").at("difference").get<double>());
}

TEST(Explain, ReportHoldsTheTwinAndTheAnswers) {
  const Workplace place;
  place.write("a.yaml", kScenario);
  ASSERT_EQ(place.run({"run", "a.yaml", "--out", "o", "--samples", "2", "--quiet"}).code, 0);
  const json report = json::parse(place.read("o/report.json"));
  ASSERT_EQ(report.at("cases").size(), 2u);
  EXPECT_EQ(report.at("cases").at(1).at("twin_of"), "moe");
  EXPECT_TRUE(report.at("cases").at(1).contains("doubt"));
  EXPECT_EQ(report.at("answers").at("demand").at("rows").size(), 2u);
  EXPECT_GE(report.at("answers").at("pareto").at("members").size(), 1u);
}

TEST(Explain, RefusesACaseThatIsNotThere) {
  const Workplace place;
  place.write("a.yaml", kScenario);
  const Outcome outcome = place.run({"explain", "a.yaml", "moe", "dense"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("a.yaml"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("moe (dense, equal active)"), std::string::npos) << outcome.err;
}

TEST(Explain, RefusesAFileThatIsNoReport) {
  const Workplace place;
  place.write("r.json", "{\"cases\": 3}");
  const Outcome outcome = place.run({"explain", "r.json", "a", "b"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("r.json"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace moesim
