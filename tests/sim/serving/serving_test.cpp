// The whole serving simulation, one child process per run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "tests/sim/run_made.h"

namespace moesim {
namespace {

constexpr double kExact = 1e-6;  // Kernels of the instant device take nanoseconds.

using made::run;

TEST(Serving, OneRequestSeesOneStepPerToken) {
  Deployment d = made::constant_step(Seconds(1));
  d.serving.request_time = Seconds(0.25);
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 1, 100, 5), [](const Summary& s) {
    return std::vector{
        s.ttft_s.p50, s.tpot_s.p50, s.e2e_s.p50, s.horizon.value(), static_cast<double>(s.steps),
        s.mean_batch};
  });
  ASSERT_EQ(got.size(), 6u);
  EXPECT_NEAR(got[0], 1.25, kExact);
  EXPECT_NEAR(got[1], 1, kExact);
  EXPECT_NEAR(got[2], 5.25, kExact);
  EXPECT_NEAR(got[3], 5, kExact);
  EXPECT_EQ(got[4], 5);
  EXPECT_EQ(got[5], 1);
}

// Twice the wait for the first token shifts the end, and stretches nothing else.
TEST(Serving, ErrorOfTheFirstTokenLeavesTheOthersAlone) {
  Deployment d = made::constant_step(Seconds(1));
  d.serving.request_time = Seconds(0.25);
  d.error.first_token = 2;
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 1, 100, 5), [](const Summary& s) {
    return std::vector{s.ttft_s.p50, s.tpot_s.p50, s.e2e_s.p50, s.horizon.value()};
  });
  ASSERT_EQ(got.size(), 4u);
  EXPECT_NEAR(got[0], 2.5, kExact);
  EXPECT_NEAR(got[1], 1, kExact);
  EXPECT_NEAR(got[2], 6.5, kExact);
  EXPECT_NEAR(got[3], 5, kExact);
}

TEST(Serving, RequestsOfOneTokenHaveNoTpot) {
  const auto got =
      run(made::constant_step(Seconds(1)), made::workload(ArrivalKind::kStatic, 3, 10, 1),
          [](const Summary& s) {
            return std::vector{s.tpot_s.p99, s.ttft_s.p99, static_cast<double>(s.completed)};
          });
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0], 0);
  EXPECT_NEAR(got[1], 1, kExact);
  EXPECT_EQ(got[2], 3);
}

// Little: users = throughput x time in the system. 10 users for some 200 rounds.
TEST(Serving, ClosedLoopObeysLittlesLaw) {
  Workload w = made::workload(ArrivalKind::kClosedLoop, 2000, 50, 8);
  w.concurrency = 10;
  for (std::size_t i = 0; i < w.requests.size(); ++i) w.requests[i].output_tokens = 5 + i % 7;
  const auto got = run(made::constant_step(Seconds(1)), w, [](const Summary& s) {
    return std::vector{static_cast<double>(s.completed) / s.horizon.value(), s.e2e_s.mean};
  });
  ASSERT_EQ(got.size(), 2u);
  EXPECT_NEAR(got[0] * got[1], 10, 0.1);
}

TEST(Serving, ClosedLoopNeverHasMoreInsideThanUsers) {
  Workload w = made::workload(ArrivalKind::kClosedLoop, 50, 10, 4);
  w.concurrency = 5;
  const auto got = run(made::constant_step(Seconds(1)), w, [](const Summary& s) {
    double most = 0;
    for (const QueuePoint& p : s.queue) {
      most = std::max(most, static_cast<double>(p.waiting + p.running));
    }
    return std::vector{most, s.horizon.value(), s.mean_batch};
  });
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0], 5);
  EXPECT_NEAR(got[1], 10 * 4, kExact);  // Ten rounds of four steps.
  EXPECT_EQ(got[2], 5);
}

// One seat and two steps per request: 2 s of service.
Deployment one_seat() {
  Deployment d = made::constant_step(Seconds(1));
  d.serving.memory.max_num_seqs = 1;
  return d;
}

// Two users and one seat: only the first request of all finds it free.
TEST(Serving, RoundsOfAClosedLoopDifferInTheFirst) {
  Workload w = made::workload(ArrivalKind::kClosedLoop, 6, 16, 2);
  w.concurrency = 2;
  const auto got = run(one_seat(), w, [](const Summary& s) {
    std::vector<double> rounds = s.ttft_rounds_s;
    rounds.insert(rounds.end(), s.tpot_rounds_s.begin(), s.tpot_rounds_s.end());
    return rounds;
  });
  ASSERT_EQ(got.size(), 6u);
  EXPECT_NEAR(got[0], (1 + 3) / 2.0, kExact);
  EXPECT_NEAR(got[1], 3, kExact);
  EXPECT_NEAR(got[2], 3, kExact);
  for (int round = 3; round < 6; ++round) EXPECT_NEAR(got[round], 1, kExact);
}

TEST(Serving, SaturatesJustAboveItsCapacity) {
  const auto saturated = [](double gap) {
    return run(one_seat(), made::paced(400, Seconds(gap), 10, 2),
               [](const Summary& s) { return std::vector{s.saturated ? 1.0 : 0.0}; });
  };
  EXPECT_EQ(saturated(1.8), std::vector{1.0});
  EXPECT_EQ(saturated(2.1), std::vector{0.0});
}

// A request every 2 s with 2 s of service waits for nobody; at 1.5 s each waits 0.5 s longer. P99 of
// 21 values lies at 0.99 of the 20 distances.
TEST(Serving, QueuesWhatComesTooEarly) {
  const auto longest = [](double gap) {
    return run(one_seat(), made::paced(21, Seconds(gap), 10, 2),
               [](const Summary& s) { return std::vector{s.ttft_s.p99}; })
        .at(0);
  };
  EXPECT_NEAR(longest(2.0), 1, kExact);
  EXPECT_NEAR(longest(1.5), 1 + 19.8 * 0.5, kExact);
}

// A pool of 10 blocks and prompts that need more and more of them, cut in the middle.
TEST(Serving, ConservesRequestsTokensAndBlocksAtACut) {
  Workload w = made::paced(200, Seconds(0.7), 40, 60);
  w.horizon = Seconds(90.5);
  for (std::size_t i = 0; i < w.requests.size(); ++i) w.requests[i].input_tokens += 13 * (i % 9);
  w.requests[3].output_tokens = 100'000'000;
  Deployment d = made::constant_step(Seconds(1));
  d.serving.memory.max_num_seqs = 20;
  const auto got = run(d, w, [](const Summary& s) {
    made::expect_conserved(s);
    EXPECT_GT(s.kv_blocks_held, 0);
    return std::vector{static_cast<double>(s.rejected), static_cast<double>(s.in_flight),
                       s.horizon.value(), static_cast<double>(s.arrived)};
  });
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0], 1);
  EXPECT_GT(got[1], 0);
  EXPECT_DOUBLE_EQ(got[2], 90.5);
  EXPECT_EQ(got[3], 130);  // At 0, 0.7, ..., 90.3.
}

// Also when steps are cut, in an MoE with data-parallel attention.
TEST(Serving, BusyAndIdleTimeAddUpToTheHorizonOnEveryDevice) {
  Deployment d = made::deployment(made::small_moe(), made::cluster(made::device(), 4));
  d.plan.attention_dp = d.plan.ep = 4;
  Workload w = made::paced(30, Seconds(0.001), 300, 2000);
  w.horizon = Seconds(0.0612345);
  const auto got = run(d, w, [](const Summary& s) {
    double worst = 0, energy = 0;
    for (const DeviceLedger& device : s.devices) {
      worst = std::max(worst, std::abs(device.total_time() / s.horizon - 1));
      energy += device.total_energy().value();
    }
    EXPECT_NEAR(s.energy.devices.value(), energy, 1e-9 * energy);
    EXPECT_LE((s.prefill_energy + s.decode_energy) / s.energy.devices, 1 + 1e-12);
    EXPECT_NEAR(s.traffic.scale_up_sent.value(), s.traffic.scale_up_received.value(), 1);
    return std::vector{worst, static_cast<double>(s.in_flight), s.routing.decode_experts_hit};
  });
  ASSERT_EQ(got.size(), 3u);
  EXPECT_LT(got[0], 1e-9);
  EXPECT_GT(got[1], 0);
  EXPECT_GT(got[2], 2);
  EXPECT_LE(got[2], 16);
}

// Every request comes twice; each replica gets one of the twins.
TEST(Serving, TwoReplicasAtTwiceTheRateServeLikeOne) {
  Workload single = made::paced(60, Seconds(0.003), 500, 40);
  for (std::size_t i = 0; i < single.requests.size(); ++i) {
    single.requests[i].input_tokens += 37 * (i % 11);
  }
  Workload twice = single;
  twice.requests.clear();
  for (const Request& request : single.requests)
    twice.requests.insert(twice.requests.end(), 2, request);
  Deployment one = made::deployment(made::small_dense(), made::cluster(made::device(), 1));
  Deployment two = made::deployment(made::small_dense(), made::cluster(made::device(), 2));
  two.plan.replicas = 2;
  const auto latencies = [](const Summary& s) {
    return std::vector{s.ttft_s.mean, s.ttft_s.p50,      s.tpot_s.mean,
                       s.e2e_s.p50,   s.horizon.value(), s.mean_batch};
  };
  const auto a = run(one, single, latencies), b = run(two, twice, latencies);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(b[i] / a[i], 1, 1e-9) << i;
}

// Prompts of one full step each keep both stages busy: n prompts take (n + 1) half steps.
TEST(Serving, TwoPipelineStagesPromptTwiceAsFast) {
  const auto horizon = [](std::int64_t pp) {
    Deployment d = made::deployment(made::small_dense(8), made::cluster(made::device(), pp));
    d.plan.pp = pp;
    d.serving.memory.max_batched_tokens = 8192;
    return run(d, made::workload(ArrivalKind::kStatic, 32, 8192, 1),
               [](const Summary& s) { return std::vector{s.horizon.value()}; })
        .at(0);
  };
  EXPECT_NEAR(horizon(1) / horizon(2), 2 * 32 / 33.0, 0.06);
}

// 33 MB of activations per prompt between the stages, all of it received.
TEST(Serving, PipelineStagesPassActivationsOn) {
  Deployment d = made::deployment(made::small_dense(8), made::cluster(made::device(), 2));
  d.plan.pp = 2;
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 10, 8192, 1), [](const Summary& s) {
    return std::vector{s.traffic.pipeline.value(), s.traffic.scale_up_received.value()};
  });
  ASSERT_EQ(got.size(), 2u);
  EXPECT_DOUBLE_EQ(got[0], 10.0 * 8192 * 2048 * 2);
  EXPECT_DOUBLE_EQ(got[1], got[0]);
}

TEST(Serving, SameSeedGivesTheSameNumbers) {
  Deployment d = made::deployment(made::small_moe(), made::cluster(made::device(), 4));
  d.plan.attention_dp = d.plan.ep = 4;
  d.tokens.policy = TokenPolicy::kPowerLaw;
  const auto numbers = [&](std::uint64_t seed) {
    d.seed = seed;
    return run(d, made::paced(50, Seconds(0.001), 100, 30), [](const Summary& s) {
      return std::vector{s.horizon.value(), s.energy.total().value(), s.tpot_s.p99,
                         s.routing.group_max_over_mean};
    });
  };
  EXPECT_EQ(numbers(3), numbers(3));
  EXPECT_NE(numbers(3), numbers(4));
}

TEST(Serving, CountsPromptsAndDecodesOfTheEnergy) {
  const auto share = [](std::int64_t input, std::int64_t output) {
    const Deployment d = made::deployment(made::small_dense(), made::cluster(made::device(), 1));
    return run(d, made::workload(ArrivalKind::kStatic, 4, input, output),
               [](const Summary& s) {
                 return std::vector{s.prefill_energy / (s.prefill_energy + s.decode_energy)};
               })
        .at(0);
  };
  EXPECT_EQ(share(1000, 1), 1);
  EXPECT_GT(share(4000, 2), 0.5);
  EXPECT_LT(share(10, 200), 0.05);
}

TEST(Serving, MeetsAServiceLevelThatIsLooseEnough) {
  const auto attained = [](double limit) {
    Workload w = made::paced(20, Seconds(1.5), 10, 2);
    w.slo.ttft_p99 = Seconds(limit);
    return run(one_seat(), w, [](const Summary& s) { return std::vector{s.slo_attainment}; });
  };
  // Waits grow by 0.5 s: 1.0, 1.5, ..., 10.5 s.
  EXPECT_EQ(attained(11), std::vector{1.0});
  EXPECT_EQ(attained(5.75), std::vector{0.5});
  EXPECT_EQ(attained(0.9), std::vector{0.0});
}

}  // namespace
}  // namespace moesim
