// What `sweep:` makes of a scenario: lists, explicit points, samples and conditions.
#include <gtest/gtest.h>

#include <set>

#include "scenarios/cases/row_key.h"
#include "scenarios/sweep/axes.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

std::vector<std::int64_t> top_ks(const Scenario& scenario) {
  std::vector<std::int64_t> out;
  for (const Case& one : scenario.cases) out.push_back(one.deployment.model.moe().top_k);
  return out;
}

TEST(Points, TheLastAxisRunsFastest) {
  EXPECT_EQ(point_at({2, 3}, 1), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(point_at({2, 3}, 3), (std::vector<std::size_t>{1, 0}));
  EXPECT_TRUE(point_at({}, 0).empty());
}

TEST(Points, AnExplicitListSetsSeveralPathsTogether) {
  const Scenario scenario =
      read_text(kMoe +
                "sweep:\n  points:\n    - {a.model.top_k: 2, a.parallel.tp: 4}\n"
                "    - {a.model.top_k: 6}\n    - {}\n");
  ASSERT_EQ(scenario.cases.size(), 3u);
  EXPECT_EQ(top_ks(scenario), (std::vector<std::int64_t>{2, 6, 8}));
  EXPECT_EQ(scenario.cases[0].deployment.plan.tp, 4);
  EXPECT_EQ(scenario.cases[1].deployment.plan.tp, 8);
  EXPECT_EQ(scenario.cases[1].point.size(), 1u);
}

TEST(Points, MultiplyWithListsAndReadBackFromTheResolvedText) {
  const Scenario scenario =
      read_text(kMoe + "sweep:\n  a.cluster.nodes: [1, 2]\n  points: [{a.model.top_k: 2}, {}]\n");
  ASSERT_EQ(scenario.cases.size(), 4u);
  const Scenario again = read_text(scenario.resolved);
  EXPECT_EQ(again.resolved, scenario.resolved);
  EXPECT_EQ(top_ks(again), top_ks(scenario));
}

TEST(Points, ASampleIsRowsLikeAnyOther) {
  const Scenario scenario =
      read_text(kMoe + "sweep:\n  sample: {sobol: 5, a.model.top_k: {from: 1, to: 64}}\n");
  ASSERT_EQ(scenario.cases.size(), 5u);
  EXPECT_EQ(scenario.cases[0].point[0].first, "a.model.top_k");
  EXPECT_EQ(read_text(scenario.resolved).resolved, scenario.resolved);
}

TEST(Points, ASettingTakesAPathOutOfTheSweep) {
  const std::string text = kMoe +
                           "sweep:\n  points: [{a.model.top_k: 2}, {a.model.top_k: 6}]\n"
                           "  sample: {sobol: 5, a.parallel.tp: [1, 2]}\n";
  EXPECT_EQ(read_text(text, {{"a.model.top_k", "3"}, {"a.parallel.tp", "8"}}).cases.size(), 1u);
  const std::string three =
      kMoe +
      "sweep:\n  points: [{a.model.top_k: 2}, {a.model.top_k: 6}, {a.model.top_k: 2, "
      "a.parallel.tp: 4}]\n";
  EXPECT_EQ(read_text(three, {{"a.model.top_k", "3"}}).cases.size(), 2u);
}

TEST(Points, FaultsNameTheirLine) {
  EXPECT_EQ(refusal(kMoe + "sweep:\n  points: 3\n"),
            "s.yaml:11: sweep.points: 3: a list of points such as {moe.model.top_k: 2, "
            "moe.parallel.ep: 8} expected");
  EXPECT_EQ(refusal(kMoe + "sweep:\n  points: [{a.parallel.tpp: 2}]\n"),
            "s.yaml:11: cases.a.parallel.tpp: tpp: unknown key; did you mean tp?");
  const std::string misspelt = refusal(kMoe + "sweep:\n\n  a.paralel.tp: [1, 2]\n");
  EXPECT_TRUE(
      misspelt.starts_with("s.yaml:12: cases.a.paralel: paralel: unknown key; did you mean "
                           "parallel?"))
      << misspelt;
  EXPECT_EQ(refusal(kMoe + "sweep:\n\n  sample: {sobol: 1, a.parallel.tp: {from: 1.5, to: 3}}\n"),
            "s.yaml:12: cases.a.parallel.tp: 2.25: a whole number from 1 to 1000000 expected");
  EXPECT_EQ(refusal(kMoe + "sweep:\n  a.parallel.tp: [1]\n  points: [{cases.a.parallel.tp: 2}]\n"),
            "s.yaml:12: sweep: cases.a.parallel.tp: each path once in a sweep");
}

TEST(Points, EqualOnesAreRefused) {
  EXPECT_EQ(refusal(kMoe + "sweep:\n  a.parallel.tp:\n    - 1\n    - 01\n"),
            "s.yaml:13: sweep.a.parallel.tp[1]: 01: each value once; line 12 has it already");
  EXPECT_EQ(refusal(kMoe + "sweep: {a.parallel: [{tp: 1}, {tp: 2}, {tp: 1}]}\n"),
            "s.yaml:10: sweep.a.parallel[2]: {tp: 1}: each value once; line 10 has it already");
  EXPECT_EQ(refusal(kMoe + "sweep:\n  points:\n    - {a.parallel.tp: 2, a.model.top_k: 4}\n"
                           "    - {a.model.top_k: 4, cases.a.parallel.tp: 2}\n"),
            "s.yaml:13: sweep.points[1]: {a.model.top_k: 4, cases.a.parallel.tp: 2}: each point "
            "once; line 12 has it already");
  EXPECT_NE(refusal(kMoe + "sweep: {points: [{a.parallel.tp: 2, cases.a.parallel.tp: 4}]}\n")
                .find("each path once in a point"),
            std::string::npos);
}

TEST(Points, RowsOfOneNameAreRefused) {
  const std::string two = kMoe + "  - {name: two, model: qwen3-8b, cluster: {node: dgx-h100}}\n";
  const std::string why = "a name that no row of another case and no twin has expected";
  EXPECT_EQ(refusal(two + "sweep: {a.name: [a, two]}\n"), "s.yaml:10: cases.name: two: " + why);
  EXPECT_EQ(refusal("twins: [active]\n" + kMoe +
                    "  - {name: \"a (dense, equal active)\", model: qwen3-8b, "
                    "cluster: {node: dgx-h100}}\n"),
            "s.yaml:11: cases.name: a (dense, equal active): " + why);
  EXPECT_EQ(read_text(two + "sweep: {a.name: [a, b]}\n").cases.size(), 3u);
}

TEST(Points, APathInsideASweptPathIsRefused) {
  const std::string why = "each path once in a sweep; it lies inside a.parallel, swept as well";
  EXPECT_EQ(refusal(kMoe + "sweep:\n  a.parallel: [{tp: 1}, {tp: 4}]\n  a.parallel.tp: [1, 2]\n"),
            "s.yaml:12: sweep: a.parallel.tp: " + why);
  EXPECT_EQ(refusal(kMoe + "sweep:\n  a.parallel.tp: [1, 2]\n  a.parallel: [{tp: 1}, {tp: 4}]\n"),
            "s.yaml:11: sweep: a.parallel.tp: " + why);
  EXPECT_EQ(refusal(kMoe + "sweep:\n  points: [{a.parallel: {tp: 1}, cases.a.parallel.tp: 2}]\n"),
            "s.yaml:11: sweep: cases.a.parallel.tp: " + why);
  EXPECT_EQ(refusal(kMoe +
                    "sweep:\n  sample: {sobol: 2, a.parallel: [{tp: 1}], a.parallel.tp: [1, 2]}\n"),
            "s.yaml:11: sweep: a.parallel.tp: " + why);
  EXPECT_EQ(read_text(kMoe + "sweep: {points: [{a.parallel: {tp: 4}}, {a.parallel.tp: 2}]}\n")
                .cases.size(),
            2u);
}

TEST(Points, AreCountedBeforeAnyIsRead) {
  std::string thousand = "[1";
  for (int i = 2; i <= 1000; ++i) thousand += "," + std::to_string(i);
  thousand += "]";
  const std::string text = kMoe + "sweep: {a.parallel.tp: " + thousand +
                           ", a.parallel.pp: " + thousand + ", a.parallel.ep: " + thousand + "}\n";
  EXPECT_EQ(count_points(text, "s.yaml", {}), 1e9);
  EXPECT_NE(refusal(text).find("1000000000 points: at most 10000"), std::string::npos);
}

TEST(Where, LeavesOutThePointsThatDoNotMeetIt) {
  const Scenario scenario = read_text(kMoe +
                                      "sweep:\n  a.parallel.attention_dp: [1, 2, 4, 8]\n"
                                      "  a.parallel.tp: [1, 2, 4, 8]\n"
                                      "  where: a.parallel.attention_dp * tp == gpus\n");
  ASSERT_EQ(scenario.cases.size(), 4u);
  for (const Case& one : scenario.cases) EXPECT_EQ(one.deployment.plan.stage_ranks(), 8);
}

TEST(Where, SeveralConditionsMustAllHold) {
  const Scenario scenario = read_text(
      kMoe +
      "sweep:\n  a.model.top_k: [1, 2, 4, 8, 16]\n  where: [top_k > 1, top_k * 8 < experts]\n");
  EXPECT_EQ(top_ks(scenario), (std::vector<std::int64_t>{2, 4, 8}));
}

TEST(Where, APathConcernsItsCaseAloneAndAPlanNameEveryCase) {
  const std::string two = kMoe + "  - {name: b, model: qwen3-8b, cluster: {node: dgx-h100}}\n";
  const std::string sweep = "sweep:\n  a.cluster.nodes: [1, 2]\n  b.cluster.nodes: [1, 2, 3]\n";
  EXPECT_EQ(read_text(two + sweep + "  where: a.cluster.nodes > 1\n").cases.size(), 4u);
  EXPECT_EQ(read_text(two + sweep + "  where: nodes > 1\n").cases.size(), 3u);
}

TEST(Where, FaultsNameWhatIsMeant) {
  const std::string sweep = kMoe + "sweep:\n  a.model.top_k: [1, 2]\n  where: ";
  EXPECT_NE(refusal(sweep + "topk > 1\n").find("s.yaml:12: sweep.where: topk: "),
            std::string::npos);
  EXPECT_NE(refusal(sweep + "topk > 1\n").find("did you mean top_k?"), std::string::npos);
  EXPECT_NE(refusal(sweep + "a.model.name > 1\n").find("a plain number"), std::string::npos);
  EXPECT_NE(refusal(sweep + "top_k / (1 - 1) > 1\n").find("division by zero"), std::string::npos);
  EXPECT_NE(refusal(sweep + "top_k > 5\n").find("no point meets"), std::string::npos);
  EXPECT_NE(refusal(sweep + "top_k >\n").find("s.yaml:12: sweep.where: top_k >: "),
            std::string::npos);
}

TEST(ReadRow, IsTheSameCaseAgain) {
  const Scenario scenario =
      read_text(kMoe +
                "    router: {baselines: [balanced]}\nsweep:\n  a.model.top_k: [1, 2, 4]\n  where: "
                "top_k > 1\n");
  ASSERT_EQ(scenario.cases.size(), 4u);
  EXPECT_EQ(scenario.cases[2].row, 2);
  const auto row = read_row(scenario, 2, {});
  ASSERT_EQ(row.size(), 2u);
  EXPECT_EQ(row[0].deployment.model.moe().top_k, 4);
  EXPECT_EQ(row[1].baseline_of, "a");
  EXPECT_TRUE(read_row(scenario, 7, {}).empty());
}

// Beyond `most_whole` points a case is its names and keys; all else is read again with its row.
TEST(LargeSweep, KeepsOfACaseOnlyWhatNamesIt) {
  const std::string text =
      kMoe + "    router: {baselines: [balanced]}\nsweep:\n  a.model.top_k: [1, 2, 4]\n";
  const Scenario whole = read_text(text);
  ReadOptions options;
  options.most_whole = 2;
  const Scenario brief = read_scenario_text(text, whole.file, {}, options);
  EXPECT_TRUE(brief.cases.empty());
  EXPECT_EQ(brief.resolved, whole.resolved);
  ASSERT_EQ(brief.rows.size(), whole.cases.size());
  for (std::size_t i = 0; i < brief.rows.size(); ++i) {
    EXPECT_EQ(brief.rows[i].name, whole.cases[i].name);
    EXPECT_EQ(brief.rows[i].key, whole.cases[i].key);
    const Case again = whole_case(brief, i);
    EXPECT_EQ(again.name, whole.cases[i].name);
    EXPECT_EQ(again.deployment.model.moe().top_k, whole.cases[i].deployment.model.moe().top_k);
    EXPECT_EQ(again.deployment.tokens.policy, whole.cases[i].deployment.tokens.policy);
  }
  options.most_whole = 3;
  EXPECT_EQ(read_scenario_text(text, whole.file, {}, options).cases.size(), 6u);
}

// Points that differ in top_k alone are of one family; balanced routing needs no bank made ahead.
TEST(LargeSweep, NamesTheBanksThatPointsCanShare) {
  const Scenario scenario =
      read_text(kMoe +
                "    router: {baselines: [balanced]}\nsweep:\n  a.model.top_k: [1, 2]\n"
                "  a.parallel.tp: [4, 8]\n");
  ASSERT_EQ(scenario.rows.size(), 8u);
  EXPECT_EQ(scenario.rows[0].bank.file, scenario.rows[2].bank.file);
  EXPECT_NE(scenario.rows[0].bank.file, scenario.rows[4].bank.file);
  EXPECT_EQ(scenario.rows[0].bank.family, scenario.rows[4].bank.family);
  EXPECT_EQ(scenario.rows[1].bank.file, "");
}

std::set<std::string> keys(const Scenario& scenario) {
  std::set<std::string> out;
  for (const Case& one : scenario.cases) out.insert(one.key);
  return out;
}

TEST(RowKey, FollowsWhatTheResultRestsOnAndNothingElse) {
  const std::string sweep = "sweep: {a.model.top_k: [1, 2]}\n";
  const auto as_is = keys(read_text(kMoe + sweep));
  EXPECT_EQ(as_is.size(), 2u);
  EXPECT_EQ(keys(read_text("# a comment\n" + changed(kMoe, "base", "other") + sweep)), as_is);
  EXPECT_TRUE(
      keys(read_text(kMoe + "sweep: {a.model.top_k: [1, 2, 3]}\n")).contains(*as_is.begin()));
  for (const auto& other : {read_text(kMoe + sweep, {{"seed", "5"}}),
                            read_text(changed(kMoe, "batch: 4", "batch: 5") + sweep),
                            read_text(kMoe + "    parallel: {tp: 4}\n" + sweep)}) {
    for (const std::string& key : keys(other)) EXPECT_FALSE(as_is.contains(key));
  }
}

TEST(RowKey, FollowsTheContentOfAFileThatTheScenarioNames) {
  const std::string rows = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.0,5,6\n";
  const TemporaryFile file("t.csv", rows);
  const std::string text = changed(changed(kMoe, "{static: {batch: 4}}", "{trace: t.csv}"),
                                   "  lengths: {input: 32, output: 8}\n", "") +
                           "sweep: {a.model.top_k: [1]}\n";
  const auto key_now = [&] {
    return read_scenario_text(text, file.folder() + "/s.yaml", {}).cases.at(0).key;
  };
  const std::string before = key_now();
  EXPECT_EQ(key_now(), before);
  std::ofstream(file.folder() + "/t.csv") << rows << "2023-11-16 18:17:04.0,5,6\n";
  EXPECT_NE(key_now(), before);
}

}  // namespace
}  // namespace moesim
