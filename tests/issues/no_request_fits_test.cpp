// A deployment whose KV cache holds none of the requests is refused with the cause and a way out;
// it once ran, and the report said "completed no request".
#include <gtest/gtest.h>

#include <string>

#include "scenarios/run/run.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/sim/in_child.h"

namespace moesim {
namespace {

// 16.1 GB of weights in bf16 on 24 GiB: some 40,000 tokens of 131 kB are left at the most.
CaseReport report_of(const std::string& lengths, const std::string& more = "") {
  std::string text = changed(kDense, "qwen3-8b", "llama-3.1-8b");
  text = changed(text, "dgx-h100", "workstation-rtx-3090");
  text = changed(text, "{input: 32, output: 8}", lengths);
  const Scenario scenario = read_text(text + more);
  return simulate(scenario.cases.at(0), {});
}

bool runs(const std::string& lengths, const std::string& more = "") {
  const std::vector<double> done = in_child([&] {
    return std::vector<double>{report_of(lengths, more).status == CaseStatus::kDone ? 1.0 : 0.0};
  });
  return done == std::vector<double>{1};
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(NoRequestFits, NamesThePromptTheCacheAndTheWayOut) {
  const CaseReport report = report_of("{input: 100000, output: 8}");
  EXPECT_EQ(report.status, CaseStatus::kInfeasible);
  EXPECT_TRUE(says(report.reason, "one prompt of 100,000 tokens does not fit the KV cache of "))
      << report.reason;
  EXPECT_TRUE(says(report.remedy, "2 devices (")) << report.remedy;
  const auto capacity = metric(report, Metric::kKvCapacityTokens);
  ASSERT_TRUE(capacity);
  EXPECT_LT(*capacity, 100'000);
}

// What the way out promises is so.
TEST(NoRequestFits, RunsWithTheSettingThatTheWayOutNames) {
  const std::string lengths = "{input: 30000, output: 8}";
  const std::string crowded = "    engine: {name: vllm 0.14, max_batched_tokens: 32768}\n";
  const CaseReport refused = report_of(lengths, crowded);
  ASSERT_EQ(refused.status, CaseStatus::kInfeasible);
  EXPECT_TRUE(says(refused.remedy, "engine.max_batched_tokens: ")) << refused.remedy;
  const std::string setting = refused.remedy.substr(refused.remedy.find("max_batched_tokens"));
  const std::string mended =
      changed(crowded, "max_batched_tokens: 32768", setting.substr(0, setting.find(",")));
  EXPECT_TRUE(runs(lengths, mended)) << mended;
}

TEST(NoRequestFits, NamesTheContextOfTheModel) {
  const CaseReport report = report_of("{input: 200000, output: 8}");
  EXPECT_EQ(report.status, CaseStatus::kInfeasible);
  EXPECT_TRUE(says(report.reason, "200,000 input and 8 output tokens, exceeds the 131,072 tokens"))
      << report.reason;
}

TEST(NoRequestFits, RunsIfOneOfThemFits) {
  EXPECT_TRUE(runs("{input: {uniform: {min: 32, max: 60000}}, output: 8}"));
}

}  // namespace
}  // namespace moesim
