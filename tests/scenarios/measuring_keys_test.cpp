// warm_up, measure and start of a workload: what a run measures, and where users begin.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

std::string asking(const std::string& requests, const std::string& more = "") {
  return changed(kDense, "  requests: {static: {batch: 4}}\n",
                 "  requests: " + requests + "\n" + more);
}

Workload workload_of(const std::string& requests, const std::string& more = "") {
  return *read_text(asking(requests, more)).cases[0].workload;
}

TEST(MeasuringKeys, ArrivalsWithoutAnEndGoOnUntilTheirFiguresArePrecise) {
  for (const char* requests : {"{poisson: 8/s}", "{closed_loop: 4}"}) {
    const Workload w = workload_of(requests);
    EXPECT_TRUE(w.stationary && w.warm_up.automatic) << requests;
    ASSERT_TRUE(w.precision && w.more) << requests;
    EXPECT_EQ(w.precision->half_width, 0.02) << requests;
  }
}

TEST(MeasuringKeys, AnEndThatIsStatedIsObeyed) {
  const Workload rounds = workload_of("{closed_loop: {concurrency: 4, requests: 40}}");
  EXPECT_EQ(rounds.requests.size(), 40U);
  EXPECT_FALSE(rounds.precision || rounds.more);
  EXPECT_TRUE(rounds.stationary);
  const Workload minute = workload_of("{poisson: 8/s}", "  horizon: 1 min\n");
  EXPECT_FALSE(minute.precision || minute.more);
  EXPECT_EQ(minute.horizon, Seconds(60));
  const Workload loop = workload_of("{closed_loop: 4}", "  horizon: 1 min\n");
  EXPECT_FALSE(loop.precision);
  EXPECT_TRUE(loop.more);
}

// The first requests are the same whether the run has a stated end or not.
TEST(MeasuringKeys, TheEndChangesNoArrival) {
  const Workload minute = workload_of("{poisson: 8/s}", "  horizon: 1 min\n");
  const Workload open = workload_of("{poisson: 8/s}");
  ASSERT_GT(minute.requests.size(), 300U);
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(minute.requests[i].arrival, open.requests[i].arrival);
  }
}

TEST(MeasuringKeys, UsersBeginAtDifferentPointsOfARequest) {
  const Workload w = workload_of("{closed_loop: 8}");
  std::set<std::int64_t> left;
  for (std::size_t user = 0; user < 8; ++user) {
    EXPECT_EQ(w.requests[user].input_tokens + w.requests[user].output_tokens, 40);
    EXPECT_GE(w.requests[user].output_tokens, 1);
    left.insert(w.requests[user].output_tokens);
  }
  EXPECT_GE(left.size(), 7U);
  EXPECT_EQ(w.requests[8].input_tokens, 32);
  const Workload together = workload_of("{closed_loop: 8}", "  start: together\n");
  EXPECT_EQ(together.requests[0].output_tokens, 8);
}

TEST(MeasuringKeys, AllMeasuresFromTheFirstRequestToTheLast) {
  const Workload w = workload_of("{closed_loop: 4}", "  measure: all\n");
  EXPECT_FALSE(w.stationary || w.warm_up.automatic || w.precision);
  EXPECT_EQ(w.requests.size(), 40U);
  EXPECT_EQ(w.requests[0].output_tokens, 8);
}

TEST(MeasuringKeys, AWarmUpIsATimeOrANumberOfRequests) {
  EXPECT_EQ(workload_of("{poisson: 8/s}", "  warm_up: 30 s\n").warm_up.time, Seconds(30));
  EXPECT_EQ(workload_of("{poisson: 8/s}", "  warm_up: 500 requests\n").warm_up.requests, 500);
  EXPECT_FALSE(workload_of("{poisson: 8/s}", "  warm_up: none\n").warm_up.automatic);
  for (const char* wrong :
       {"soon", "30", "0 requests", "-3 requests", "1.5 requests", "requests"}) {
    EXPECT_NE(refusal(asking("{poisson: 8/s}", std::string("  warm_up: ") + wrong + "\n")), "")
        << wrong;
  }
}

TEST(MeasuringKeys, WhatHasNoEffectIsRefused) {
  EXPECT_EQ(refusal(asking("{static: {batch: 4}}", "  warm_up: 1 s\n")),
            "s.yaml:5: workload.warm_up: given: only with measure: steady, and not with a static "
            "batch");
  EXPECT_EQ(refusal(asking("{poisson: 8/s}", "  start: together\n")),
            "s.yaml:5: workload.start: given: only with closed_loop or users");
}

TEST(MeasuringKeys, FaultsNeedAnEnd) {
  const std::string faulty = changed(asking("{poisson: 8/s}"), "    cluster: {node: dgx-h100}\n",
                                     "    cluster: {node: dgx-h100}\n"
                                     "    faults: [{gpu: 0, speed: 0.5, from: 1 s}]\n");
  EXPECT_NE(refusal(faulty).find("workload.horizon"), std::string::npos);
  EXPECT_EQ(refusal(changed(faulty, "  lengths:", "  horizon: 1 min\n  lengths:")), "");
}

TEST(MeasuringKeys, UsersThinkBetweenRequests) {
  const Workload w = workload_of("{users: {count: 100, think_time: 30 s}}");
  EXPECT_EQ(w.kind, ArrivalKind::kClosedLoop);
  EXPECT_EQ(w.concurrency, 100);
  EXPECT_TRUE(w.stationary && w.precision);
  EXPECT_EQ(w.requests[100].pause, Seconds(30));
  double sum = 0;
  for (std::size_t user = 0; user < 100; ++user) {
    EXPECT_LT(w.requests[user].pause, Seconds(30));
    EXPECT_EQ(w.requests[user].output_tokens, 8);
    sum += w.requests[user].pause.value();
  }
  EXPECT_NEAR(sum / 100, 15, 1);  // Pauses that are half over, in the mean.
}

TEST(MeasuringKeys, PausesHaveTheirMean) {
  for (const char* time : {"{exponential: 30 s}", "{lognormal: {mean: 30 s, p99: 3 min}}"}) {
    const Workload w =
        workload_of("{users: {count: 1, think_time: " + std::string(time) + ", requests: 5001}}");
    double sum = 0;
    for (std::size_t i = 1; i < w.requests.size(); ++i) sum += w.requests[i].pause.value();
    EXPECT_NEAR(sum / 5000, 30, 0.5) << time;
  }
  EXPECT_NE(refusal(asking("{users: {count: 4}}")).find("think_time"), std::string::npos);
  EXPECT_NE(refusal(asking("{users: {count: 4, think_time: {lognormal: {mean: 30 s, p99: 1 s}}}}"))
                .find("a p99 from the mean (30 s) to"),
            std::string::npos);
}

// Gaps of mean 1/8 s whose standard deviation is twice the mean.
TEST(MeasuringKeys, GammaArrivalsComeInBursts) {
  const Workload w = workload_of("{gamma: {rate: 8/s, cv: 2}}", "  horizon: 30 min\n");
  const auto n = static_cast<double>(w.requests.size());
  EXPECT_NEAR(n / 1800, 8, 0.5);
  double squares = 0;
  for (std::size_t i = 1; i < w.requests.size(); ++i) {
    const double gap = (w.requests[i].arrival - w.requests[i - 1].arrival).value();
    squares += (gap - 0.125) * (gap - 0.125);
  }
  EXPECT_NEAR(std::sqrt(squares / n) / 0.125, 2, 0.2);
}

// What samples vary is larger than what a run leaves open: they need less precision.
TEST(MeasuringKeys, SamplesAreShorter) {
  const Scenario scenario = read_text(asking("{poisson: 8/s}"));
  const std::vector<Case> drawn = read_row(scenario, 0, {.seed = 1, .sample = 1, .samples = 10});
  EXPECT_EQ(drawn.at(0).workload->precision->half_width, 0.1);
}

}  // namespace
}  // namespace moesim
