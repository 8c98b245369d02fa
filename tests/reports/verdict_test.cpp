#include <gtest/gtest.h>

#include "reports/analysis/ranking.h"
#include "reports/render/words/case_result.h"
#include "reports/render/words/verdict_words.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

using examples::done;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Report report_of(std::vector<CaseReport> cases) {
  Report report;
  report.cases = std::move(cases);
  return report;
}

CaseReport infeasible(const std::string& name) {
  return make_infeasible_report(examples::deployment(name, false), examples::memory(),
                                "needs 80 GB of 72 GB", "tp 4 on 4 devices");
}

// `factor` times as many output tokens in the same time at the same price.
Summary faster(double factor) {
  Summary s = examples::summary(false);
  s.output_tokens_done = static_cast<std::int64_t>(1e5 * factor);
  return s;
}

TEST(Verdict, NamesTheCheaperCaseBothFiguresAndTheDriver) {
  const std::string text = verdict_text(examples::two_cases());
  EXPECT_TRUE(
      text.starts_with("moe costs 2.00 USD per million output tokens against 4.00 USD for dense: "
                       "it reads 2.50 GB of "
                       "weights and KV cache per output token against 4.00 GB;"))
      << text;
}

TEST(Verdict, DoesNotDependOnTheOrderOfTheCases) {
  Report report = examples::two_cases();
  const std::string text = verdict_text(report);
  std::swap(report.cases[0], report.cases[1]);
  EXPECT_EQ(verdict_text(report), text);
}

TEST(Verdict, CallsATieWithinOnePercentAndLetsEnergyDecide) {
  Summary frugal = faster(1.005);
  frugal.energy.devices = Joules(50e3);
  const std::string text =
      verdict_text(report_of({done("a", false, faster(1)), done("b", false, frugal)}));
  EXPECT_TRUE(contains(text, "equal within 1 %")) << text;
  EXPECT_TRUE(contains(text, "but b uses")) << text;
}

TEST(Verdict, SaysWhoUsesTheLeastEnergyWhereItIsNotTheCheapest) {
  Summary frugal = faster(1);
  frugal.energy.devices = Joules(50e3);
  const CaseReport cheap = done("cheap", false, faster(1.1));
  EXPECT_FALSE(contains(verdict_text(report_of({cheap, done("dear", false, faster(1))})), "least"));
  const std::string text = verdict_text(report_of({done("frugal", false, frugal), cheap}));
  EXPECT_TRUE(
      contains(text, "; frugal uses the least energy, 1.00 J per output token against 1.36 J"))
      << text;
}

// One machine at two sites: same money and energy.
TEST(Verdict, LetsCarbonDecideWhereMoneyAndEnergyAreEqual) {
  Deployment clean = examples::deployment("clean", false);
  clean.site.carbon_kg_per_joule = 1e-8;
  const std::string text = verdict_text(
      report_of({done("dirty", false, faster(1)), make_case_report(clean, {}, faster(1))}));
  EXPECT_TRUE(contains(text, "each costs 2.00 USD per million output tokens, but clean emits"))
      << text;
}

// A hundred requests: one rejection is tolerated, two are not.
Summary rejecting(std::int64_t rejected, std::int64_t for_their_length) {
  Summary s = faster(3);
  s.arrived = 100;
  s.rejected = rejected;
  s.rejected_context = for_their_length;
  s.completed = 100 - rejected;
  return s;
}

TEST(Verdict, ACaseThatTurnsRequestsAwayCannotWin) {
  const CaseReport slow = done("slow", false, faster(1));
  const std::string text = verdict_text(report_of({slow, done("picky", false, rejecting(2, 2))}));
  EXPECT_TRUE(text.starts_with("slow is the only case")) << text;
  EXPECT_TRUE(contains(text, "rejects 2.0 % of its requests (2 are longer than its context)"))
      << text;
  EXPECT_TRUE(verdict_text(report_of({slow, done("picky", false, rejecting(1, 1))}))
                  .starts_with("picky costs"));
}

TEST(Verdict, CallsNoTieBeyondOnePercent) {
  const std::string text =
      verdict_text(report_of({done("a", false, faster(1)), done("b", false, faster(1.02))}));
  EXPECT_FALSE(contains(text, "equal within")) << text;
  EXPECT_TRUE(text.starts_with("b costs")) << text;
}

TEST(Verdict, SeparatesNothingWhereNothingDiffers) {
  const std::string text =
      verdict_text(report_of({done("a", false, faster(1)), done("b", false, faster(1))}));
  EXPECT_TRUE(text.starts_with("a and b are equal within 1 %: each costs 2.00 USD")) << text;
  EXPECT_FALSE(contains(text, "but")) << text;
}

TEST(Verdict, GivesNoWinToACaseThatMissesItsServiceLevel) {
  Workload strict;
  strict.slo.ttft_p99 = Seconds(0.9);  // Reached: 1.0.
  const std::string text = verdict_text(
      report_of({done("cheap", false, faster(2), strict), done("dear", false, faster(1))}));
  EXPECT_TRUE(text.starts_with("dear is the only case")) << text;
  EXPECT_TRUE(contains(text,
                       "cheap misses its service level: TTFT P99 1.00 s against a limit of"
                       " 900 ms"))
      << text;
}

TEST(Verdict, GivesNoWinToASaturatedCase) {
  Summary saturated = faster(2);
  saturated.saturated = true;
  const std::string text =
      verdict_text(report_of({done("cheap", false, saturated), done("dear", false, faster(1))}));
  EXPECT_TRUE(text.starts_with("dear is the only case")) << text;
}

TEST(Verdict, GivesNoWinToACaseThatCompletedNothing) {
  Summary nothing = examples::summary(false);
  nothing.completed = 0;
  const std::string text =
      verdict_text(report_of({done("a", false, nothing), done("b", false, faster(1))}));
  EXPECT_TRUE(contains(text, "a completed no request")) << text;
}

TEST(Verdict, SaysWhyAndWhatWouldFitWhenNothingCanRun) {
  const std::string text = verdict_text(report_of({infeasible("a"), infeasible("b")}));
  EXPECT_EQ(text,
            "No case can be recommended: a cannot run: needs 80 GB of 72 GB; would fit: tp 4 on 4 "
            "devices; b cannot run: needs 80 GB of 72 GB; would fit: tp 4 on 4 devices.");
}

TEST(Verdict, ComparesEnergyWhereAPriceIsMissing) {
  Deployment free = examples::deployment("unpriced", false);
  free.cluster.node.device.rent = 0;
  Summary frugal = faster(1);
  frugal.energy.devices = Joules(50e3);
  const std::string text = verdict_text(
      report_of({make_case_report(free, {}, frugal), done("priced", false, faster(1))}));
  EXPECT_TRUE(text.starts_with("unpriced uses 1.00 J per output token against 1.50 J")) << text;
  EXPECT_TRUE(contains(text, "its accelerators take 500 mJ against 1.00 J")) << text;
}

TEST(Verdict, NamesThePriceWhereOnlyThePriceDiffers) {
  Deployment cheap = examples::deployment("cheap", false);
  cheap.rent_per_device = 1.8;
  const std::string text = verdict_text(
      report_of({make_case_report(cheap, {}, faster(1)), done("dear", false, faster(1))}));
  EXPECT_TRUE(contains(text, "its devices cost 1.80 USD against 3.60 USD per hour")) << text;
}

TEST(Verdict, NamesTheDevicesWhereIdlenessDiffers) {
  Deployment wide = examples::deployment("wide", false);
  wide.cluster.nodes = 2;
  Summary spare = faster(1);
  DeviceLedger idle;
  idle.add(Activity::kIdle, spare.horizon, Joules(1));
  spare.devices.insert(spare.devices.end(), 2, idle);
  const std::string text = verdict_text(
      report_of({done("narrow", false, faster(1)), make_case_report(wide, {}, spare)}));
  EXPECT_TRUE(contains(text, "it needs 2 against 4 devices")) << text;
}

TEST(Verdict, HasASentenceForOneCaseAndForNone) {
  EXPECT_TRUE(contains(verdict_text(report_of({done("a", false, faster(1))})), "no other case"));
  EXPECT_TRUE(contains(verdict_text(report_of({})), "no case"));
  EXPECT_TRUE(verdict_text(report_of({infeasible("a")})).starts_with("a cannot run: needs"));
}

TEST(Verdict, OfASweepComparesDesignsAndCountsWhatIsOut) {
  std::vector<CaseReport> cases;
  for (int k : {1, 2, 4, 8, 16}) {
    cases.push_back(done("moe", true, faster(16.0 / k)));
    cases.back().point = {{"moe.model.top_k", std::to_string(k)}};
    cases.push_back(infeasible("dense"));
    cases.back().point = cases[cases.size() - 2].point;
  }
  cases.push_back(done("twin", false, faster(1)));
  const std::string text = verdict_text(report_of(cases));
  EXPECT_TRUE(text.starts_with("moe (top_k 1) costs")) << text;
  EXPECT_TRUE(contains(text, "for twin")) << text;
  EXPECT_TRUE(contains(text, "5 of 11 rows cannot run")) << text;
}

// The half as long prompt is the easier work, not the better design.
TEST(Verdict, ComparesWithinOneWorkload) {
  std::vector<CaseReport> cases = {done("a", false, faster(8)), done("b", false, faster(4)),
                                   done("a", false, faster(2)), done("b", false, faster(5))};
  const char* inputs[] = {"32", "32", "64", "64"};
  for (std::size_t i = 0; i < cases.size(); ++i)
    cases[i].point = {{"workload.lengths.input", inputs[i]}};
  const std::string text = verdict_text(report_of(cases));
  EXPECT_TRUE(text.starts_with("a (input 32) costs")) << text;
  EXPECT_TRUE(contains(text, "for b (input 32)")) << text;
  EXPECT_TRUE(contains(text, "this holds at input 32,")) << text;
  cases.erase(cases.begin() + 1);
  const std::string alone = verdict_text(report_of(cases));
  EXPECT_TRUE(contains(alone, "is the only case that can be recommended at its workload")) << alone;
}

TEST(Verdict, CountsWhatIsOutInGrammar) {
  Summary saturated = faster(1);
  saturated.saturated = true;
  std::vector<CaseReport> cases = {done("ok", false, faster(1)), infeasible("large")};
  for (const char* name : {"x", "y"}) cases.push_back(done(name, false, rejecting(8, 0)));
  for (const char* name : {"p", "q"}) cases.push_back(done(name, false, saturated));
  EXPECT_TRUE(contains(verdict_text(report_of(cases)),
                       "5 of 6 rows are out: 1 cannot run, 2 are saturated, 2 reject too many "
                       "requests."))
      << verdict_text(report_of(cases));
}

TEST(Ranking, ShowsTheBestWhereThereIsNoRoomForAll) {
  const std::vector<CaseReport> cases = {done("a", false, faster(1)), infeasible("b"),
                                         done("c", false, faster(3)), done("d", false, faster(2))};
  EXPECT_EQ(ranking(cases), (std::vector<std::size_t>{2, 3, 0}));
  EXPECT_EQ(shown_cases(cases, 2), (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(shown_cases(cases, 4), (std::vector<std::size_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace moesim
