#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "reports/analysis/pareto.h"
#include "reports/render/html/report_html.h"
#include "reports/render/json/answers_json.h"
#include "reports/render/json/report_json.h"
#include "reports/render/text/report_text.h"
#include "reports/render/words/break_even_words.h"
#include "reports/render/words/demand_words.h"
#include "reports/render/words/pareto_words.h"
#include "reports/render/words/verdict_words.h"
#include "reports/results/read_report.h"
#include "tests/reports/examples.h"
#include "tests/reports/made_reports.h"

namespace moesim {
namespace {

CaseReport valued(const std::string& name, double cost, double energy, double latency,
                  double loss) {
  return made::report(name, true,
                      {{Metric::kCostPerMillionOutputTokens, cost},
                       {Metric::kEnergyPerOutputToken, energy},
                       {Metric::kE2eP99, latency},
                       {Metric::kPredictedLoss, loss}});
}

TEST(Pareto, LeavesOutWhatAnotherBeatsInEverything) {
  const std::vector<CaseReport> cases = {valued("cheap", 1, 1, 5, 3), valued("good", 2, 2, 5, 2),
                                         valued("beaten", 2, 3, 6, 3), valued("quick", 3, 3, 1, 3)};
  const ParetoFront front = pareto_front(cases);
  EXPECT_EQ(front.members, (std::vector<std::size_t>{0, 1, 3}));
  EXPECT_EQ(front.objectives.size(), 4u);
  EXPECT_FALSE(front.extrapolated);
}

TEST(Pareto, KeepsCasesThatAreEqual) {
  EXPECT_EQ(pareto_front({valued("a", 1, 1, 1, 1), valued("b", 1, 1, 1, 1)}).members.size(), 2u);
}

TEST(Pareto, ComparesOnlyWhatEveryCaseHas) {
  std::vector<CaseReport> cases = {valued("a", 2, 1, 1, 1), valued("b", 1, 1, 1, 1)};
  made::clear_costs(cases[0]);
  const ParetoFront front = pareto_front(cases);
  EXPECT_EQ(front.left_out, std::vector<Metric>{Metric::kCostPerMillionOutputTokens});
  EXPECT_EQ(front.members.size(), 2u);
}

TEST(Pareto, SaysWhereQualityIsExtrapolated) {
  std::vector<CaseReport> cases = {valued("a", 1, 1, 1, 1), valued("b", 2, 1, 1, 1)};
  for (CaseReport& one : cases) {
    made::set(one, Metric::kPredictedLoss, std::nullopt);
    made::set(one, Metric::kPredictedLossExtrapolated, one.name == "a" ? 2 : 1.8);
  }
  EXPECT_TRUE(pareto_front(cases).extrapolated);
  EXPECT_EQ(pareto_front(cases).members.size(), 2u);
  EXPECT_NE(pareto_sentence(cases).find("an order at best"), std::string::npos);
}

// A published and a guessed number of training tokens say nothing of who is better.
TEST(Pareto, LeavesOutLossesThatRestOnUnlikeTokens) {
  std::vector<CaseReport> cases = {valued("a", 1, 1, 1, 3), valued("b", 2, 2, 2, 2)};
  EXPECT_EQ(pareto_front(cases).members.size(), 2u);
  cases[0].quality.tokens_assumed = true;
  EXPECT_EQ(pareto_front(cases).members, std::vector<std::size_t>{0});
  EXPECT_EQ(pareto_front(cases).left_out, std::vector<Metric>{Metric::kPredictedLoss});
  EXPECT_NE(pareto_sentence(cases).find("quality is left out"), std::string::npos);
  cases[1].quality.tokens_assumed = true;
  EXPECT_EQ(pareto_front(cases).members.size(), 2u);
}

CaseReport at(const std::string& name, bool moe, const std::string& experts, double cost,
              double hbm) {
  CaseReport report = made::report(name, moe,
                                   {{Metric::kCostPerMillionOutputTokens, cost},
                                    {Metric::kTimeCompute, 100},
                                    {Metric::kTimeMemory, hbm}});
  report.point = {{"moe.model.num_experts", experts}};
  return report;
}

// The dense case costs 2. The MoE costs 1 at 4 and 4 at 16: ln 1/2 and ln 2, so in the middle of
// the logarithms, at 8; and reading memory is what grows.
TEST(BreakEven, IsInterpolatedBetweenTheNeighbours) {
  std::vector<CaseReport> cases = {at("moe", true, "4", 1, 100), at("moe", true, "16", 4, 700),
                                   at("dense", false, "", 2, 300)};
  cases[2].point.clear();
  const auto curves = break_even_curves(cases);
  ASSERT_EQ(curves.size(), 1u);
  ASSERT_EQ(curves[0].crossings.size(), 1u);
  const Crossing& crossing = curves[0].crossings[0];
  EXPECT_NEAR(crossing.at, 8, 1e-9);
  EXPECT_FALSE(crossing.moe_wins_after);
  ASSERT_TRUE(crossing.reason);
  EXPECT_EQ(crossing.reason->part, CostPart::kHbm);
  EXPECT_TRUE(turning_text(crossing).starts_with("HBM")) << turning_text(crossing);
  EXPECT_NE(break_even_sentence(curves[0]).find("more than dense from num_experts about 8 on"),
            std::string::npos)
      << break_even_sentence(curves[0]);
}

// At 4 the dense case is ahead in half of the samples, at 16 in none.
TEST(BreakEven, SaysWhereTheSamplesLeaveItOpen) {
  std::vector<CaseReport> cases = {at("moe", true, "4", 1, 100), at("moe", true, "16", 1.5, 200),
                                   at("dense", false, "", 2, 300)};
  cases[2].point.clear();
  for (CaseReport& one : cases) one.samples.assign(10, one.metrics);
  for (std::size_t i = 0; i < 5; ++i) cases[0].samples[i] = at("moe", true, "4", 3, 100).metrics;
  const auto curves = break_even_curves(cases);
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_TRUE(curves[0].points[0].tie);
  EXPECT_FALSE(curves[0].points[1].tie);
  EXPECT_TRUE(break_even_sentence(curves[0]).ends_with("within the uncertainty at 4."))
      << break_even_sentence(curves[0]);
}

TEST(BreakEven, IsNoneWhereOneIsAlwaysCheaper) {
  std::vector<CaseReport> cases = {at("moe", true, "4", 1, 100), at("moe", true, "16", 1.5, 200),
                                   at("dense", false, "", 2, 300)};
  cases[2].point.clear();
  const auto curves = break_even_curves(cases);
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_TRUE(curves[0].crossings.empty());
  EXPECT_NE(break_even_sentence(curves[0]).find("less than dense at every"), std::string::npos);
}

TEST(Answers, HoldTheVerdictForPrograms) {
  const Report report = examples::two_cases();
  EXPECT_EQ(answers_json(report)["verdict"], verdict_text(report));
}

// A dense twin belongs to its point: at 4 experts it is another model than at 16.
TEST(BreakEven, ComparesATwinAtItsOwnPoint) {
  std::vector<CaseReport> cases = {at("moe", true, "4", 1, 100), at("twin", false, "4", 2, 100),
                                   at("moe", true, "16", 4, 100), at("twin", false, "16", 1, 100)};
  for (const std::size_t i : {1, 3}) cases[i].twin_of = "moe";
  const auto curves = break_even_curves(cases);
  ASSERT_EQ(curves.size(), 1u);
  ASSERT_EQ(curves[0].points.size(), 2u);
  EXPECT_EQ(curves[0].points[1].dense, 1);
  EXPECT_GT(curves[0].crossings.at(0).at, 4);
  EXPECT_LT(curves[0].crossings.at(0).at, 8);
}

std::vector<DemandRow> demand_rows(const std::vector<CaseReport>& cases,
                                   const DemandResponse& response) {
  return demand_bills(cases, response).rows;
}

std::string sentence_of(const std::vector<CaseReport>& cases, const DemandResponse& response) {
  return demand_sentence(cases, response, demand_bills(cases, response));
}

// 1,000 tokens in 730 h: 1,000 a month.
CaseReport billed(const std::string& name, double price, double cost, double energy) {
  return made::report(name, true,
                      {{Metric::kCostPerMillionOutputTokens, price},
                       {Metric::kHorizon, 730 * 3600},
                       {Metric::kCostPerMonth, cost},
                       {Metric::kEnergyPerMonth, energy},
                       {Metric::kCarbonPerMonth, energy}});
}

// A quarter of the price at elasticity 1/2: twice the tokens, and half the bill of the reference.
TEST(Demand, GrowsByTheElasticity) {
  const auto rows =
      demand_rows({billed("old", 4, 400, 300), billed("new", 1, 100, 100)}, {0.5, ""});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_DOUBLE_EQ(rows[0].growth, 1);
  EXPECT_DOUBLE_EQ(rows[1].growth, 2);
  EXPECT_DOUBLE_EQ(*rows[1].at_demand.cost_usd, 200);
  EXPECT_DOUBLE_EQ(rows[1].at_demand.tokens, 2000);
  // 200 kWh saved at the same traffic, 100 of them taken back.
  EXPECT_DOUBLE_EQ(*rows[1].rebound, 0.5);
}

// Half the tokens for 100 USD: the tokens of the reference cost 200 USD, whatever a node holds.
TEST(Demand, CountsInProportionToTheTokens) {
  std::vector<CaseReport> cases = {billed("old", 4, 400, 300), billed("new", 2, 100, 100)};
  made::set(cases[1], Metric::kOutputTokens, 500);
  EXPECT_DOUBLE_EQ(*demand_rows(cases, {0, ""}).at(1).as_asked.cost_usd, 200);
  EXPECT_NE(sentence_of(cases, {0, ""}).find("fractions of a node"), std::string::npos);
}

TEST(Demand, AboveOneThePriceCutMakesTheBillLarger) {
  const auto rows = demand_rows({billed("old", 4, 400, 300), billed("new", 1, 100, 100)}, {2, ""});
  EXPECT_DOUBLE_EQ(*rows[1].at_demand.cost_usd, 1600);
  EXPECT_GT(*rows[1].rebound, 1);
}

TEST(Demand, WithoutElasticityIsTheTraffic) {
  for (const DemandRow& row :
       demand_rows({billed("old", 4, 400, 300), billed("new", 1, 100, 100)}, {0, "new"})) {
    EXPECT_DOUBLE_EQ(row.growth, 1);
    EXPECT_EQ(row.as_asked.cost_usd, row.at_demand.cost_usd);
  }
}

CaseReport at_point(CaseReport report, const std::string& path, const std::string& value) {
  report.point.push_back({path, value});
  return report;
}

// The reference is one row, its first point: every other point is a row of its own.
TEST(Demand, HasEveryPointOfASweptReference) {
  const std::string path = "moe.model.top_k";
  const std::vector<CaseReport> cases = {at_point(billed("moe", 1, 100, 100), path, "2"),
                                         at_point(billed("moe", 2, 200, 200), path, "4"),
                                         billed("dense", 4, 400, 300)};
  const auto rows = demand_rows(cases, {1, "moe"});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_DOUBLE_EQ(rows[1].price_ratio, 2);
  EXPECT_DOUBLE_EQ(rows[2].price_ratio, 4);
  EXPECT_NE(sentence_of(cases, {1, "moe"}).find("the price of moe (top_k 2)."), std::string::npos);
}

TEST(Demand, PrefersAReferenceThatCanBeRecommended) {
  std::vector<CaseReport> cases = {at_point(billed("moe", 1, 100, 100), "moe.parallel.tp", "1"),
                                   at_point(billed("moe", 2, 200, 200), "moe.parallel.tp", "2")};
  EXPECT_EQ(demand_rows(cases, {1, ""}).at(1).reference, 0u);
  made::set(cases[0], Metric::kSaturated, 1);
  const auto rows = demand_rows(cases, {1, ""});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].reference, 1u);
  EXPECT_DOUBLE_EQ(rows[0].price_ratio, 0.5);
}

// Twice the prompt is another work: it is compared with the reference at that work, or not at all.
TEST(Demand, ComparesOnlyTheSameWorkload) {
  const std::string path = "workload.lengths.input";
  std::vector<CaseReport> cases = {at_point(billed("a", 1, 100, 100), path, "32"),
                                   at_point(billed("b", 2, 200, 200), path, "32"),
                                   at_point(billed("a", 3, 300, 300), path, "64"),
                                   at_point(billed("b", 4, 400, 400), path, "64")};
  const auto rows = demand_rows(cases, {1, "a"});
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_DOUBLE_EQ(rows[1].price_ratio, 2);
  EXPECT_DOUBLE_EQ(rows[3].price_ratio, 4.0 / 3);
  cases[2].status = CaseStatus::kInfeasible;
  EXPECT_EQ(demand_rows(cases, {1, "a"}).size(), 2u);
  EXPECT_NE(sentence_of(cases, {1, "a"}).find("1 row with a workload at which a has no price"),
            std::string::npos);
}

TEST(Demand, SaysWhyThereIsNoReference) {
  std::vector<CaseReport> cases = {billed("two", 1, 100, 100), billed("moe", 2, 200, 200)};
  cases[0].status = CaseStatus::kInfeasible;
  cases[0].reason = "needs 99 GB";
  EXPECT_NE(sentence_of(cases, {1, "two"}).find("reference case two cannot run: needs 99 GB."),
            std::string::npos);
  EXPECT_TRUE(demand_rows(cases, {1, "two"}).empty());
}

TEST(Answers, AreInEveryOutput) {
  Report report = examples::two_cases();
  report.demand = DemandResponse{0.8, "dense"};
  const auto json = report_json(report);
  EXPECT_EQ(json["answers"]["demand"]["rows"].size(), 2u);
  EXPECT_GE(json["answers"]["pareto"]["members"].size(), 1u);
  EXPECT_NE(report_text(report, 120).find("elasticity 0.8"), std::string::npos);
  EXPECT_NE(report_html(report).find("Pareto front"), std::string::npos);
}

TEST(ReadReport, FindsItsOwnNumbersAgain) {
  const Report report = examples::two_cases();
  const auto cases = read_report(report_json(report).dump(), "report.json");
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[1].name, "dense");
  EXPECT_EQ(cases[1].metrics, report.cases[1].metrics);
}

TEST(ReadReport, RefusesWhatIsNone) {
  for (const char* text : {"", "[]", "{}", "{\"cases\": 1}", "{\"cases\": [{\"metrics\": 3}]}"})
    EXPECT_THROW(read_report(text, "report.json"), InputError) << text;
}

}  // namespace
}  // namespace moesim
