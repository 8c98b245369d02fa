#include "reports/analysis/explain.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/reports/examples.h"
#include "tests/reports/made_reports.h"

namespace moesim {
namespace {

double sum(const Explanation& explanation) {
  double total = 0;
  for (const DifferencePart& part : explanation.parts) total += part.difference;
  return total;
}

double part(const Explanation& explanation, std::string_view name) {
  for (const DifferencePart& one : explanation.parts)
    if (one.name == name) return one.difference;
  ADD_FAILURE() << name;
  return 0;
}

// 1,000 output tokens; 10,000 device-seconds at 1e-3 USD: 10 USD, 10,000 USD a million tokens.
CaseReport base() {
  return made::report("a", true,
                      {{"cost_per_million_output_tokens_usd", 10'000},
                       {"input_tokens", 1000},
                       {"time_compute_s", 1000},
                       {"time_memory_s", 4000},
                       {"time_communication_s", 2000},
                       {"time_overhead_s", 500},
                       {"time_imbalance_wait_s", 500},
                       {"time_idle_s", 1500},
                       {"time_unallocated_s", 500},
                       {"weights_read_per_output_token_bytes", 3e9},
                       {"kv_read_per_output_token_bytes", 1e9},
                       {"mean_batch", 10},
                       {"replicas", 1},
                       {"devices_with_rank", 2},
                       {"kv_peak_share", 0.5},
                       {"requests_waiting_mean", 2},
                       {"horizon_s", 50},
                       {"e2e_mean_s", 5}});
}

CaseReport with(CaseReport report,
                std::initializer_list<std::pair<std::string_view, double>> values) {
  for (const auto& [key, value] : values) made::set(report, key, value);
  return report;
}

// Something of everything at once.
CaseReport other() {
  return with(base(), {{"cost_per_million_output_tokens_usd", 31'234.5},
                       {"time_compute_s", 1234},
                       {"time_memory_s", 3111},
                       {"time_communication_s", 777},
                       {"time_overhead_s", 901},
                       {"time_idle_s", 333},
                       {"output_tokens", 1717},
                       {"recomputed_tokens", 171},
                       {"preemptions", 3},
                       {"mean_batch", 7},
                       {"e2e_mean_s", 9}});
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
      EXPECT_NEAR(there.parts[i].difference, -back.parts[i].difference, 1e-9)
          << there.parts[i].name;
  }
}

TEST(Explain, FindsNoDifferenceOfACaseFromItself) {
  for (const DifferencePart& one : explain_cost(other(), other()).parts)
    EXPECT_NEAR(one.difference, 0, 1e-9) << one.name;
}

// Twice the price of a device-second and nothing else: price alone, all of it.
TEST(Explain, GivesADearerDeviceToPrice) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{"cost_per_million_output_tokens_usd", 20'000}}));
  EXPECT_NEAR(part(cost, "price"), 10'000, 1e-6);
  EXPECT_EQ(main_part(cost).name, "price");
}

// 1,000 more device-seconds on the network at the same price: a tenth more cost, the network's.
TEST(Explain, GivesSlowerTransfersToTheNetwork) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{"cost_per_million_output_tokens_usd", 11'000},
                                         {"time_communication_s", 3000}}));
  EXPECT_NEAR(part(cost, "network"), 1000, 1e-6);
  EXPECT_NEAR(part(cost, "price"), 0, 1e-6);
}

// Half the batch, so that weights (3/4 of 4,000 s, then 6/7 of 7,000 s) and launches (500 s) are
// paid twice as often: 3,500 s more, which is 3,500 USD. An empty pool makes it the traffic's
// doing, a full one memory's.
TEST(Explain, GivesSmallerBatchesToWhatLimitsThem) {
  const auto halved = [](double peak) {
    return with(base(), {{"cost_per_million_output_tokens_usd", 13'500},
                         {"time_memory_s", 7000},
                         {"weights_read_per_output_token_bytes", 6e9},
                         {"time_overhead_s", 1000},
                         {"mean_batch", 5},
                         {"kv_peak_share", peak}});
  };
  const Explanation traffic = explain_cost(base(), halved(0.2));
  EXPECT_NEAR(part(traffic, "unfilled batches"), 3500, 1e-6);
  EXPECT_NEAR(part(traffic, "queueing"), 0, 1e-6);
  EXPECT_NEAR(part(traffic, "HBM"), 0, 1e-6);
  EXPECT_NEAR(part(traffic, "memory room"), 0, 1e-6);
  const Explanation memory = explain_cost(base(), halved(1));
  EXPECT_NEAR(part(memory, "memory room"), 3500, 1e-6);
  EXPECT_NEAR(part(memory, "unfilled batches"), 0, 1e-6);
}

// Two replicas of one device in place of one of two: half the batch each, but as many sequences on
// a device, so that nothing is left to traffic.
TEST(Explain, CountsTheBatchByDevice) {
  const Explanation cost = explain_cost(base(), with(base(), {{"mean_batch", 5}, {"replicas", 2}}));
  EXPECT_NEAR(part(cost, "unfilled batches"), 0, 1e-9);
  EXPECT_NEAR(part(cost, "HBM"), 0, 1e-9);
}

// 2 requests wait on average over 50 s of 100 arrivals: 1 s each, over 10 tokens each.
TEST(Explain, CountsWaitingByLittlesLaw) {
  const Explanation time =
      explain_time(with(base(), {{"requests_waiting_mean", 0}, {"e2e_mean_s", 4}}), base());
  EXPECT_NEAR(time.b, 0.5, 1e-12);
  EXPECT_NEAR(part(time, "queueing"), 0.1, 1e-12);
  EXPECT_NEAR(part(time, "compute"), 0, 1e-12);
  EXPECT_EQ(part(time, "unfilled batches"), 0);
}

// Whoever waits pays in time alone: the devices cost what they cost.
TEST(Explain, FindsNoCostInWaiting) {
  const Explanation cost = explain_cost(base(), with(base(), {{"requests_waiting_mean", 20}}));
  for (const DifferencePart& one : cost.parts) EXPECT_NEAR(one.difference, 0, 1e-9) << one.name;
}

TEST(Explain, SaysWhatTheLargestPartIs) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{"cost_per_million_output_tokens_usd", 20'000}}));
  EXPECT_NE(explanation_text("a", "b", cost, 200).find("is price: what a device-second costs."),
            std::string::npos);
}

TEST(Explain, SaysThatThereIsNoDifference) {
  for (const auto explain : {explain_cost, explain_time}) {
    const Explanation none = explain(base(), base());
    for (const DifferencePart& one : none.parts) EXPECT_EQ(one.difference, 0) << one.name;
    const std::string text = explanation_text("a", "a", none, 200);
    EXPECT_TRUE(text.ends_with("there is no difference.\n")) << text;
  }
}

// The same price of a device-second after other sums: rounding is no part.
TEST(Explain, HasNoPartOfRounding) {
  const Explanation cost =
      explain_cost(base(), with(base(), {{"cost_per_million_output_tokens_usd", 10'100},
                                         {"time_communication_s", 2100}}));
  EXPECT_EQ(part(cost, "price"), 0);
}

TEST(Explain, OfCasesWithoutAPriceIsInDeviceTime) {
  CaseReport free = base(), slow = with(base(), {{"time_idle_s", 2500}});
  for (CaseReport* one : {&free, &slow}) {
    for (std::size_t i = 0; i < one->metrics.size(); ++i)
      if (metric_table()[i].key.starts_with("cost_")) one->metrics[i] = std::nullopt;
  }
  const Explanation time = explain_cost(free, slow);
  EXPECT_EQ(time.unit, "s");
  EXPECT_NEAR(part(time, "idle"), 1e6, 1e-3);
  EXPECT_EQ(part(time, "price"), 0);
}

TEST(Explain, NeedsCasesThatRan) {
  CaseReport none = base();
  none.status = CaseStatus::kInfeasible;
  EXPECT_FALSE(can_explain(base(), none));
  EXPECT_TRUE(can_explain(base(), other()));
}

}  // namespace
}  // namespace moesim
