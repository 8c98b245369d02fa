// The part of a run that is measured, on deployments whose steps all take 10 ms.
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "sim/serving/request_supply.h"
#include "tests/sim/run_made.h"

namespace moesim {
namespace {

using made::constant_step;
using made::expect_conserved;
using made::run;
using made::workload;

constexpr Seconds kStep(0.010);

// Requests for 11 tokens in a closed loop: the first after a step, the others 10 steps later.
Workload users(std::int64_t count, std::int64_t requests) {
  Workload w = workload(ArrivalKind::kClosedLoop, requests, 1, 11);
  w.concurrency = count;
  w.stationary = true;
  return w;
}

// Poisson arrivals without an end, of requests for one token.
Workload arrivals(double rate, std::uint64_t seed) {
  Workload w;
  w.stationary = true;
  w.warm_up.automatic = true;
  w.precision = kSamplePrecision;
  w.more = [random = RandomStream(seed, "arrivals"), rate, time = 0.0]() mutable {
    time -= std::log(1 - random.uniform()) / rate;
    return Request{Seconds(time), 1, 1};
  };
  for (int i = 0; i < 100; ++i) w.requests.push_back(w.more());
  return w;
}

TEST(Measuring, WithoutAWarmUpARunIsMeasuredFromItsStart) {
  run(constant_step(kStep), users(4, 400), [](const Summary& s) {
    EXPECT_EQ(s.window.from, Seconds(0));
    EXPECT_TRUE(s.window.warmed_up);
    EXPECT_EQ(s.in_flight_before, 0);
    expect_conserved(s);
    return std::vector<double>{};
  });
}

// 4 users, 110 ms a request: a minute serves 4 * 60 / 0.110 = 2,182.
TEST(Measuring, AWarmUpOfASecondIsLeftOut) {
  Workload w = users(4, 1'000'000);
  w.warm_up.time = Seconds(1);
  w.horizon = Seconds(61);
  run(constant_step(kStep), w, [](const Summary& s) {
    EXPECT_EQ(s.window.from, Seconds(1));
    EXPECT_EQ(s.horizon, Seconds(60));
    EXPECT_NEAR(static_cast<double>(s.completed), 2182, 4);
    EXPECT_EQ(s.in_flight_before, 4);
    expect_conserved(s);
    return std::vector<double>{};
  });
}

TEST(Measuring, AWarmUpEndsWithARequest) {
  Workload w = users(4, 1000);
  w.warm_up.requests = 200;
  run(constant_step(kStep), w, [](const Summary& s) {
    EXPECT_NEAR(s.window.from.value(), 50 * 0.110, 0.120);
    expect_conserved(s);
    return std::vector<double>{};
  });
}

// The window opens and closes in the middle of steps: busy and idle time still add up to it, and a
// device that never rests is busy all the time.
TEST(Measuring, StepsCountByTheirPartInTheWindow) {
  Workload w = users(4, 1'000'000);
  w.warm_up.time = Seconds(1.0037);
  w.horizon = Seconds(3.0011);
  run(constant_step(kStep), w, [](const Summary& s) {
    EXPECT_NEAR(s.devices[0].total_time().value(), s.horizon.value(), 1e-9);
    EXPECT_NEAR(s.devices[0].time[Activity::kIdle].value(), 0, 1e-9);
    EXPECT_NEAR(s.horizon.value(), 1.9974, 1e-9);
    return std::vector<double>{};
  });
}

// The last requests of a closed loop would be served with fewer and fewer users.
TEST(Measuring, StationaryTrafficIsNotMeasuredWhileItRunsOut) {
  Workload w = users(4, 400);
  w.requests.back().output_tokens = 10'000;
  run(constant_step(kStep), w, [](const Summary& s) {
    EXPECT_LT(s.horizon, Seconds(12));
    EXPECT_GT(s.in_flight, 0);
    return std::vector<double>{};
  });
  w.stationary = false;
  run(constant_step(kStep), w, [](const Summary& s) {
    EXPECT_GT(s.horizon, Seconds(100));
    EXPECT_EQ(s.in_flight, 0);
    return std::vector<double>{};
  });
}

// A step takes all that waits: no queue at any rate, and the rate of arrivals is known to 10 %
// after (1.96 / 0.1)^2 = 400 of them.
TEST(Measuring, ARunOfAutomaticLengthEndsWhenItsFiguresArePrecise) {
  run(constant_step(kStep), arrivals(50, 1), [](const Summary& s) {
    EXPECT_TRUE(s.window.warmed_up);
    const RunPrecision& reached = s.window.precision.value();
    EXPECT_LE(reached.token_rate.value().half_width, 0.1);
    EXPECT_GT(s.completed, 100);
    EXPECT_LT(s.completed, 4000);
    EXPECT_NEAR(static_cast<double>(s.output_tokens_done) / s.horizon.value(), 50, 7.5);
    EXPECT_FALSE(s.saturated);
    expect_conserved(s);
    return std::vector<double>{};
  });
}

// One sequence at a time, 100 a second at most: at 200 a second the queue grows for ever.
TEST(Measuring, AnOverloadedRunEndsAndSaysSo) {
  Deployment d = constant_step(kStep);
  d.serving.memory.max_num_seqs = 1;
  run(d, arrivals(200, 1), [](const Summary& s) {
    EXPECT_TRUE(s.saturated);
    EXPECT_FALSE(s.window.warmed_up);
    EXPECT_LT(s.arrived, 20'000);
    return std::vector<double>{};
  });
}

// 4 users who pause 890 ms before each request of 110 ms ask once a second: 240 in a minute. Each
// request waits for the step that runs when it comes, 10 ms at the most.
TEST(Measuring, UsersPauseBetweenRequests) {
  Workload w = users(4, 1'000'000);
  for (std::size_t i = 0; i < w.requests.size(); ++i) w.requests[i].pause = Seconds(0.890);
  for (std::size_t user = 0; user < 4; ++user) {
    w.requests[user].pause = Seconds(0.2 * static_cast<double>(user) + 0.1);
  }
  w.warm_up.time = Seconds(1);
  w.horizon = Seconds(61);
  run(constant_step(kStep), w, [](const Summary& s) {
    EXPECT_NEAR(static_cast<double>(s.completed), 240, 4);
    EXPECT_LE(s.ttft_s.p99, 0.020 + 1e-9);
    expect_conserved(s);
    return std::vector<double>{};
  });
}

// Every request is answered, also when all users pause at the same time.
TEST(Measuring, ARunThatIsMeasuredWholeWaitsForPauses) {
  Workload w = users(2, 6);
  w.stationary = false;
  for (Request& request : w.requests) request.pause = Seconds(5);
  run(constant_step(kStep), w, [](const Summary& s) {
    EXPECT_EQ(s.completed, 6);
    EXPECT_NEAR(s.horizon.value(), 3 * 5.11, 0.03);
    return std::vector<double>{};
  });
}

// The same seed gives the same requests, however many are listed beforehand.
TEST(Measuring, RequestsThatAreDrawnFollowThoseThatAreListed) {
  const Workload w = arrivals(50, 3);
  RequestSupply supply(w, 150);
  RandomStream random(3, "arrivals");
  double time = 0;
  int count = 0;
  for (; supply.next(); ++count) {
    time -= std::log(1 - random.uniform()) / 50;
    EXPECT_EQ(supply.take().arrival, Seconds(time));
  }
  EXPECT_EQ(count, 150);
}

}  // namespace
}  // namespace moesim
