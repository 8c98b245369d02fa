#include "reports/analysis/explain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "reports/render/text/explanation_text.h"
#include "tests/reports/examples.h"
#include "tests/reports/made_reports.h"

namespace moesim {
namespace {

double sum(const Explanation& explanation) {
  return std::accumulate(explanation.parts.begin(), explanation.parts.end(), 0.0);
}

double part(const Explanation& explanation, CostPart part) {
  return explanation.parts[static_cast<std::size_t>(part)];
}

// 1,000 output tokens; 10,000 device-seconds at 1e-3 USD: 10 USD, 10,000 USD a million tokens.
CaseReport base() {
  return made::report("a", true,
                      {{Metric::kCostPerMillionOutputTokens, 10'000},
                       {Metric::kInputTokens, 1000},
                       {Metric::kTimeCompute, 1000},
                       {Metric::kTimeMemory, 4000},
                       {Metric::kTimeCommunication, 2000},
                       {Metric::kTimeOverhead, 500},
                       {Metric::kTimeImbalanceWait, 500},
                       {Metric::kTimeIdle, 1500},
                       {Metric::kTimeUnallocated, 500},
                       {Metric::kWeightsReadPerOutputTokenBytes, 3e9},
                       {Metric::kKvReadPerOutputTokenBytes, 1e9},
                       {Metric::kMeanBatch, 10},
                       {Metric::kReplicas, 1},
                       {Metric::kDevicesWithRank, 2},
                       {Metric::kKvPeakShare, 0.5},
                       {Metric::kRequestsWaitingMean, 2},
                       {Metric::kHorizon, 50},
                       {Metric::kE2eMean, 5}});
}

CaseReport with(CaseReport report, std::initializer_list<std::pair<Metric, double>> values) {
  for (const auto& [key, value] : values) made::set(report, key, value);
  return report;
}

// Something of everything at once.
CaseReport other() {
  return with(base(), {{Metric::kCostPerMillionOutputTokens, 31'234.5},
                       {Metric::kTimeCompute, 1234},
                       {Metric::kTimeMemory, 3111},
                       {Metric::kTimeCommunication, 777},
                       {Metric::kTimeOverhead, 901},
                       {Metric::kTimeIdle, 333},
                       {Metric::kOutputTokens, 1717},
                       {Metric::kRecomputedTokens, 171},
                       {Metric::kPreemptions, 3},
                       {Metric::kMeanBatch, 7},
                       {Metric::kE2eMean, 9}});
}

void expect_adds_up(const Explanation& explanation) {
  const double whole = explanation.b - explanation.a;
  EXPECT_NEAR(sum(explanation), whole, 1e-9 * std::max(1.0, std::abs(whole)));
}

TEST(Explain, PartsAddUpToTheDifference) {
  expect_adds_up(explain_cost(base(), other()));
  expect_adds_up(explain_time(base(), other()));
  const Report two = examples::two_cases();
  expect_adds_up(explain_cost(two.cases[0], two.cases[1]));
  expect_adds_up(explain_time(two.cases[0], two.cases[1]));
}

TEST(Explain, StartsAndEndsAtWhatTheReportSays) {
  const Explanation cost = explain_cost(base(), other());
  EXPECT_NEAR(cost.a, 10'000, 1e-6);
  EXPECT_NEAR(cost.b, 31'234.5, 1e-6);
}

TEST(Explain, ChangesSignWhenTheCasesChangePlaces) {
  for (const auto explain : {explain_cost, explain_time}) {
    const Explanation there = explain(base(), other()), back = explain(other(), base());
    for (std::size_t i = 0; i < there.parts.size(); ++i)
      EXPECT_NEAR(there.parts[i], -back.parts[i], 1e-9) << i;
  }
}

TEST(Explain, FindsNoDifferenceOfACaseFromItself) {
  for (const double difference : explain_cost(other(), other()).parts)
    EXPECT_NEAR(difference, 0, 1e-9);
}

// Twice the price of a device-second and nothing else: price alone, all of it.
TEST(Explain, GivesADearerDeviceToPrice) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{Metric::kCostPerMillionOutputTokens, 20'000}}));
  EXPECT_NEAR(part(cost, CostPart::kPrice), 10'000, 1e-6);
  EXPECT_EQ(main_part(cost), CostPart::kPrice);
}

// 1,000 more device-seconds on the network at the same price: a tenth more cost, the network's.
TEST(Explain, GivesSlowerTransfersToTheNetwork) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{Metric::kCostPerMillionOutputTokens, 11'000},
                                         {Metric::kTimeCommunication, 3000}}));
  EXPECT_NEAR(part(cost, CostPart::kNetwork), 1000, 1e-6);
  EXPECT_NEAR(part(cost, CostPart::kPrice), 0, 1e-6);
}

// Half the batch, so that weights (3/4 of 4,000 s, then 6/7 of 7,000 s) and launches (500 s) are
// paid twice as often: 3,500 s more, which is 3,500 USD. An empty pool makes it the traffic's
// doing, a full one memory's.
TEST(Explain, GivesSmallerBatchesToWhatLimitsThem) {
  const auto halved = [](double peak) {
    return with(base(), {{Metric::kCostPerMillionOutputTokens, 13'500},
                         {Metric::kTimeMemory, 7000},
                         {Metric::kWeightsReadPerOutputTokenBytes, 6e9},
                         {Metric::kTimeOverhead, 1000},
                         {Metric::kMeanBatch, 5},
                         {Metric::kKvPeakShare, peak}});
  };
  const Explanation traffic = explain_cost(base(), halved(0.2));
  EXPECT_NEAR(part(traffic, CostPart::kLowBatchOccupancy), 3500, 1e-6);
  EXPECT_NEAR(part(traffic, CostPart::kQueueing), 0, 1e-6);
  EXPECT_NEAR(part(traffic, CostPart::kHbm), 0, 1e-6);
  EXPECT_NEAR(part(traffic, CostPart::kKvCachePressure), 0, 1e-6);
  const Explanation memory = explain_cost(base(), halved(1));
  EXPECT_NEAR(part(memory, CostPart::kKvCachePressure), 3500, 1e-6);
  EXPECT_NEAR(part(memory, CostPart::kLowBatchOccupancy), 0, 1e-6);
}

// Two replicas of one device in place of one of two: half the batch each, but as many sequences on
// a device, so that nothing is left to traffic.
TEST(Explain, CountsTheBatchByDevice) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{Metric::kMeanBatch, 5}, {Metric::kReplicas, 2}}));
  EXPECT_NEAR(part(cost, CostPart::kLowBatchOccupancy), 0, 1e-9);
  EXPECT_NEAR(part(cost, CostPart::kHbm), 0, 1e-9);
}

// 2 requests wait on average over 50 s of 100 arrivals: 1 s each, over 10 tokens each.
TEST(Explain, CountsWaitingByLittlesLaw) {
  const Explanation time = explain_time(
      with(base(), {{Metric::kRequestsWaitingMean, 0}, {Metric::kE2eMean, 4}}), base());
  EXPECT_NEAR(time.b, 0.5, 1e-12);
  EXPECT_NEAR(part(time, CostPart::kQueueing), 0.1, 1e-12);
  EXPECT_NEAR(part(time, CostPart::kCompute), 0, 1e-12);
  EXPECT_EQ(part(time, CostPart::kLowBatchOccupancy), 0);
}

// Whoever waits pays in time alone: the devices cost what they cost.
TEST(Explain, FindsNoCostInWaiting) {
  const Explanation cost = explain_cost(base(), with(base(), {{Metric::kRequestsWaitingMean, 20}}));
  for (const double difference : cost.parts) EXPECT_NEAR(difference, 0, 1e-9);
}

TEST(Explain, SaysWhatTheLargestPartIs) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{Metric::kCostPerMillionOutputTokens, 20'000}}));
  EXPECT_NE(explanation_text("a", "b", cost, 200).find("is price: cost of a device-second."),
            std::string::npos);
}

TEST(Explain, SaysThatThereIsNoDifference) {
  for (const auto explain : {explain_cost, explain_time}) {
    const Explanation none = explain(base(), base());
    for (const double difference : none.parts) EXPECT_EQ(difference, 0);
    const std::string text = explanation_text("a", "a", none, 200);
    EXPECT_TRUE(text.ends_with("there is no difference.\n")) << text;
  }
}

// The same price of a device-second after other sums: rounding is no part.
TEST(Explain, HasNoPartOfRounding) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{Metric::kCostPerMillionOutputTokens, 10'100},
                                         {Metric::kTimeCommunication, 2100}}));
  EXPECT_EQ(part(cost, CostPart::kPrice), 0);
}

TEST(Explain, OfCasesWithoutAPriceIsInDeviceTime) {
  CaseReport free = base(), slow = with(base(), {{Metric::kTimeIdle, 2500}});
  for (CaseReport* report : {&free, &slow}) made::clear_costs(*report);
  const Explanation time = explain_cost(free, slow);
  EXPECT_EQ(time.quantity, ExplainedQuantity::kDeviceTime);
  EXPECT_NEAR(part(time, CostPart::kIdle), 1e6, 1e-3);
  EXPECT_EQ(part(time, CostPart::kPrice), 0);
}

TEST(Explain, NeedsCasesThatRan) {
  CaseReport none = base();
  none.status = CaseStatus::kInfeasible;
  EXPECT_FALSE(can_explain(base(), none));
  EXPECT_TRUE(can_explain(base(), other()));
}

}  // namespace
}  // namespace moesim
