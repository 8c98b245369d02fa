// Prefill and decode as separate pools: what travels between them, what waits, what is conserved.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "sim/serving/kv_handover.h"
#include "tests/sim/run_made.h"

namespace moesim {
namespace {

constexpr double kExact = 1e-6;  // Kernels of the instant device take nanoseconds.

using made::run;

// One prefill and one decode worker of one device each; every step takes a second. A token of the
// one layer has 4 KV heads of 2 x 128 values in 16 bit: 2048 B.
Deployment pair_of_workers(BytesPerSecond link = BytesPerSecond(1e24)) {
  Deployment d = made::constant_step(Seconds(1));
  DeviceSpec device = made::instant_device();
  device.link_bandwidth = link;
  d.cluster = made::cluster(device, 2);
  d.prefill = ParallelPlan{};
  return d;
}

TEST(Pools, TheWiderWorkersLieFirst) {
  Deployment d = pair_of_workers();
  d.plan.tp = 4;
  d.plan.replicas = 2;
  d.prefill->replicas = 3;
  const std::vector<Deployment> pools = pools_of(d);
  ASSERT_EQ(pools.size(), 2u);
  EXPECT_EQ(pools[0].role, PoolRole::kDecode);
  EXPECT_EQ(pools[0].first_device, 0);
  EXPECT_EQ(pools[1].role, PoolRole::kPrefill);
  EXPECT_EQ(pools[1].first_device, 8);
  EXPECT_EQ(d.total_ranks(), 11);
  d.prefill->tp = 4;
  EXPECT_EQ(pools_of(d)[0].first_device, 12);
  EXPECT_EQ(pools_of(d)[1].first_device, 0);
}

TEST(Pools, OnAnInstantNetworkTheFirstTokenComesAsFromAPrefillReplica) {
  const auto ttft = [](const Deployment& d, std::int64_t output) {
    return run(d, made::paced(40, Seconds(0.3), 3000, output), [](const Summary& s) {
      return std::vector{s.ttft_s.mean, s.ttft_s.p50, s.ttft_s.p99,
                         static_cast<double>(s.completed)};
    });
  };
  const auto alone = ttft(made::constant_step(Seconds(1)), 1);
  const auto pooled = ttft(pair_of_workers(), 20);
  ASSERT_EQ(alone.size(), 4u);
  ASSERT_EQ(pooled.size(), 4u);
  for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_NEAR(pooled[i], alone[i], kExact);
}

// 1000 tokens x 2048 B over 1 MB/s take 2.048 s; the second token comes a step later.
TEST(Pools, ATransferAloneTakesItsBytesOverTheBandwidth) {
  const Deployment d = pair_of_workers(BytesPerSecond(1e6));
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 1, 1000, 2), [](const Summary& s) {
    EXPECT_DOUBLE_EQ(s.traffic.scale_up_sent.value(), s.traffic.scale_up_received.value());
    return std::vector{s.ttft_s.mean, s.prefill->handover_s.mean, s.tpot_s.mean,
                       s.traffic.kv_transfer.value(), s.traffic.scale_up_sent.value()};
  });
  ASSERT_EQ(got.size(), 5u);
  EXPECT_NEAR(got[0], 1, kExact);
  EXPECT_NEAR(got[1], 2.048, 1e-4);
  EXPECT_NEAR(got[2], 3.048, 1e-4);
  EXPECT_DOUBLE_EQ(got[3], 2'048'000);
  EXPECT_DOUBLE_EQ(got[4], 2'048'000);
}

// Two prompts at once share the sender's port: both take twice as long.
TEST(Pools, TransfersSharePorts) {
  const Deployment d = pair_of_workers(BytesPerSecond(1e6));
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 2, 1000, 2), [](const Summary& s) {
    return std::vector{s.prefill->handover_s.p50, s.prefill->handover_s.p99};
  });
  ASSERT_EQ(got.size(), 2u);
  EXPECT_NEAR(got[0], 4.096, 1e-4);
  EXPECT_NEAR(got[1], 4.096, 1e-4);
}

// One seat in each pool and three tokens: prompts end at 1 s and 2 s; the second waits until 3 s
// for the decode seat that the first one has for two steps. Of two values P50 is the middle, and P99
// lies a hundredth of their distance below the larger.
TEST(Pools, AFullDecodePoolKeepsPromptsWaiting) {
  Deployment d = pair_of_workers();
  d.serving.memory.max_num_seqs = 1;
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 2, 100, 3), [](const Summary& s) {
    return std::vector{s.ttft_s.p50, s.ttft_s.p99, s.prefill->handover_s.p50,
                       s.prefill->handover_s.p99, s.horizon.value()};
  });
  ASSERT_EQ(got.size(), 5u);
  const double expected[] = {1.5, 1.99, 0.5, 0.99, 5};
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], kExact) << i;
}

TEST(Pools, RequestsOfOneTokenNeverChangePools) {
  const auto got =
      run(pair_of_workers(), made::workload(ArrivalKind::kStatic, 3, 100, 1), [](const Summary& s) {
        return std::vector{static_cast<double>(s.completed), s.traffic.kv_transfer.value(),
                           static_cast<double>(s.kv_blocks_peak)};
      });
  EXPECT_EQ(got, (std::vector<double>{3, 0, 0}));
}

// Different layouts in an MoE, prompts on their way and steps cut in the middle.
TEST(Pools, ConserveRequestsTokensBlocksBytesTimeAndEnergyAtACut) {
  DeviceSpec slow_link = made::device();
  slow_link.link_bandwidth = BytesPerSecond(1e9);
  Deployment d = made::deployment(made::small_moe(), made::cluster(slow_link, 6));
  d.plan.attention_dp = d.plan.ep = 4;
  d.prefill = ParallelPlan{.tp = 2, .moe_tp = 2};
  d.serving.memory.max_num_seqs = 8;
  Workload w = made::paced(120, Seconds(0.001), 300, 40);
  for (std::size_t i = 0; i < w.requests.size(); ++i) w.requests[i].output_tokens = 1 + i % 60;
  w.requests[3].output_tokens = 100'000'000;
  w.horizon = Seconds(0.1412345);
  const auto got = run(d, w, [](const Summary& s) {
    made::expect_conserved(s);
    EXPECT_NEAR(s.traffic.scale_up_sent.value(), s.traffic.scale_up_received.value(), 1);
    // Four layers of 2048 B, whole prompts of 300 tokens.
    const double caches = s.traffic.kv_transfer.value() / (4 * 2048 * 300);
    EXPECT_NEAR(caches, std::round(caches * 2) / 2, 1e-9);  // Halves come from each TP rank.
    double worst = 0, energy = 0, least_busy = 1;
    for (const DeviceLedger& device : s.devices) {
      worst = std::max(worst, std::abs(device.total_time() / s.horizon - 1));
      energy += device.total_energy().value();
      least_busy = std::min(least_busy, 1 - device.time[Activity::kIdle] / s.horizon);
    }
    EXPECT_NEAR(s.energy.devices.value(), energy, 1e-9 * energy);
    return std::vector{worst, static_cast<double>(s.in_flight), static_cast<double>(s.completed),
                       caches, least_busy};
  });
  ASSERT_EQ(got.size(), 5u);
  EXPECT_LT(got[0], 1e-9);
  EXPECT_GT(got[1], 0);
  EXPECT_GT(got[2], 0);
  EXPECT_GT(got[3], 0);
  EXPECT_GT(got[4], 0);
}

double sum_of_shares(const std::vector<KvPiece>& pieces, std::int64_t to) {
  double sum = 0;
  for (const KvPiece& piece : pieces) sum += piece.to == to ? piece.share : 0;
  return sum;
}

TEST(Pools, EveryReceiverGetsItsWholeCacheOnce) {
  const ParallelPlan wide{.tp = 4}, narrow{.tp = 2}, odd{.tp = 3};
  EXPECT_EQ(kv_pieces(wide, narrow, 8).size(), 4u);  // Two senders for each of two.
  EXPECT_EQ(kv_pieces(narrow, wide, 8).size(), 4u);  // One for each of four.
  EXPECT_DOUBLE_EQ(kv_pieces(wide, narrow, 8).front().share, 0.5);
  for (std::int64_t to = 0; to < 3; ++to) {
    EXPECT_DOUBLE_EQ(sum_of_shares(kv_pieces(wide, odd, 8), to), 1);
  }
  // Stages of 4 + 4 layers to one of 8: the receiver gets each half from the stage that has it.
  const auto stages = kv_pieces({.pp = 2}, {}, 8);
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0].from, 0);
  EXPECT_EQ(stages[1].from, 1);
  EXPECT_EQ(stages[1].layers.first, 4);
}

}  // namespace
}  // namespace moesim
