// Published traces were once refused for the offset of their times, and columns that matter
// (prefix blocks of Mooncake) were dropped without a word. What a trace holds and nobody uses is in
// the report.
#include <gtest/gtest.h>

#include "scenarios/cases/scenario.h"
#include "scenarios/run/run.h"
#include "tests/sim/in_child.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

Scenario with_trace(const TemporaryFile& file, const std::string& trace) {
  return read_scenario_text("schema: 1\nname: t\nworkload: {requests: {trace: " + trace +
                                "}}\n"
                                "cases:\n"
                                "  - {name: a, model: qwen3-8b, cluster: {node: dgx-h100}}\n",
                            file.folder() + "/s.yaml", {});
}

TEST(PublishedTraces, AzureOf2024Reads) {
  const TemporaryFile file("az2.csv",
                           "TIMESTAMP,ContextTokens,GeneratedTokens\n"
                           "2024-05-10 00:00:00.009930+00:00,2162,5\n"
                           "2024-05-10 00:00:00.017335+00:00,2399,6\n");
  const Scenario scenario = with_trace(file, "az2.csv");
  const Workload& workload = *scenario.cases.at(0).workload;
  ASSERT_EQ(workload.requests.size(), 2u);
  EXPECT_NEAR(workload.requests[1].arrival.value(), 0.007405, 1e-6);
  EXPECT_TRUE(workload.notes.empty());
}

TEST(PublishedTraces, PrefixBlocksAreNamedInTheReport) {
  const TemporaryFile file(
      "toolagent.jsonl",
      R"({"timestamp": 0, "input_length": 6758, "output_length": 5, "hash_ids": [0, 1, 2]})"
      "\n"
      R"({"timestamp": 3000, "input_length": 6900, "output_length": 26, "hash_ids": [0, 1, 3]})");
  const Scenario scenario = with_trace(file, "toolagent.jsonl");
  EXPECT_EQ(in_child([&] {
              const std::vector<std::string> notes = simulate(scenario.cases.at(0), {}).notes;
              EXPECT_EQ(notes,
                        std::vector<std::string>({"Trace toolagent.jsonl: not used: hash_ids "
                                                  "(prefix caching is not modelled)."}));
              return std::vector<double>{1};
            }).size(),
            1u);
}

TEST(PublishedTraces, ACaseThatIsRefusedSaysThemToo) {
  const TemporaryFile file(
      "long.jsonl", R"({"timestamp": 0, "input_length": 9000000, "output_length": 5, "turn": 2})");
  const CaseReport report = simulate(with_trace(file, "long.jsonl").cases.at(0), {});
  EXPECT_EQ(report.status, CaseStatus::kInfeasible);
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_NE(report.notes[0].find("not used: turn (a request does not wait"), std::string::npos);
}

TEST(PublishedTraces, AnUnknownColumnIsNamed) {
  const TemporaryFile file("t.csv",
                           "TIMESTAMP,ContextTokens,GeneratedTokens,Priority\n"
                           "2024-05-10 00:00:00,2162,5,high\n"
                           "2024-05-10 00:00:01,30,0,high\n");
  const Scenario scenario = with_trace(file, "t.csv");
  EXPECT_EQ(scenario.cases.at(0).workload->notes,
            std::vector<std::string>({"Trace t.csv: 1 of 2 rows left out (failed).",
                                      "Trace t.csv: not used: Priority (no meaning known)."}));
}

TEST(PublishedTraces, TimesThatATraceLacksAreSaid) {
  const TemporaryFile file("s.json",
                           R"([{"conversations": [{"value": "Who are you?"}, {"value": "Me."}]}])");
  const auto notes = [&](const std::string& trace) {
    return with_trace(file, trace).cases.at(0).workload->notes;
  };
  EXPECT_TRUE(notes("s.json").back().find("all requests arrive at once") != std::string::npos);
  EXPECT_TRUE(notes("{file: s.json, rate: 8/s}").back().ends_with("they are drawn at 8/s."));
}

}  // namespace
}  // namespace moesim
