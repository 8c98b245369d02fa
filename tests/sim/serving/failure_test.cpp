// Devices that fail: nothing is lost sight of, and what it costs.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/random.h"
#include "tests/sim/run_made.h"

namespace moesim {
namespace {

constexpr double kExact = 1e-6;

using made::run;

void expect_all_accounted_for(const Summary& s) {
  made::expect_conserved(s);
  double energy = 0;
  for (const DeviceLedger& device : s.devices) {
    EXPECT_NEAR(device.total_time() / s.horizon, 1, 1e-9);
    energy += device.total_energy().value();
  }
  EXPECT_NEAR(s.energy.devices.value(), energy, 1e-9 * energy);
  EXPECT_GE(s.faults->available, 0);
  EXPECT_LE(s.faults->available, 1);
}

Failure failure(std::int64_t device, double at, double detection, std::optional<Seconds> restart) {
  return {{device, 1}, Seconds(at), Seconds(detection), restart};
}

// Replicas of one device each, with four seats; every step takes a second.
Deployment replicas(std::int64_t count) {
  Deployment d = made::constant_step(Seconds(1));
  d.cluster = made::cluster(made::instant_device(), count);
  d.plan.replicas = count;
  d.serving.memory.max_num_seqs = 4;
  return d;
}

double output_of(const Deployment& d, Workload w) {
  w.horizon = Seconds(200);
  return run(d, w, [](const Summary& s) {
    if (s.faults) expect_all_accounted_for(s);
    return std::vector{static_cast<double>(s.output_tokens_done)};
  })[0];
}

// Twice four seats that are always taken: eight tokens a second, four while one replica is down.
TEST(Failure, OneOfTwoReplicasTakesHalfOfTheThroughput) {
  Workload w = made::workload(ArrivalKind::kClosedLoop, 2000, 100, 10);
  w.concurrency = 12;
  Deployment d = replicas(2);
  const double whole = output_of(d, w);
  EXPECT_NEAR(whole, 1600, 16);
  d.faults.failures = {failure(1, 100.5, 1, std::nullopt)};
  EXPECT_NEAR(output_of(d, w) / whole, 0.75, 0.02);
  d.faults.failures = {failure(1, 60.5, 10, Seconds(40))};
  // A little more is lost: what was computed, and the time until users come back.
  EXPECT_NEAR(output_of(d, w) / whole, 0.86, 0.015);
}

// Fails in its fourth step, is missed 2 s later and serves 10 s after that, at 15.5 s: five steps
// again. The first token came after a second; the next ones count from there.
TEST(Failure, TheOnlyReplicaStartsItsRequestsAnew) {
  Deployment d = replicas(1);
  d.faults.failures = {failure(0, 3.5, 2, Seconds(10))};
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 2, 100, 5), [](const Summary& s) {
    expect_all_accounted_for(s);
    EXPECT_EQ(s.completed, 2);
    EXPECT_EQ(s.faults->retried, 2);
    EXPECT_EQ(s.output_tokens_done, 10);
    // Of each: the prompt, and of its three tokens the two that were in the cache.
    EXPECT_EQ(s.recomputed_tokens, 2 * 102);
    const double idle = s.devices[0].time[Activity::kIdle].value();
    return std::vector{s.horizon.value(), s.ttft_s.p99, s.tpot_s.p50,
                       s.faults->replica_down.value(), idle};
  });
  ASSERT_EQ(got.size(), 5u);
  EXPECT_NEAR(got[0], 20.5, kExact);
  EXPECT_NEAR(got[1], 1, kExact);
  EXPECT_NEAR(got[2], 19.5 / 4, kExact);
  EXPECT_NEAR(got[3], 12, kExact);
  EXPECT_NEAR(got[4], 12, kExact);
}

// Until its failure is known, requests still go to a dead replica; later ones do not.
TEST(Failure, RequestsMoveOnWhenItIsKnown) {
  Deployment d = replicas(2);
  d.faults.failures = {failure(1, 0.5, 4, Seconds(1000))};
  const auto got = run(d, made::paced(4, Seconds(0.25), 100, 2), [](const Summary& s) {
    expect_all_accounted_for(s);
    return std::vector{static_cast<double>(s.completed), static_cast<double>(s.faults->retried),
                       s.horizon.value(), s.e2e_s.p50};
  });
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0], 4);
  EXPECT_EQ(got[1], 2);           // One ran there, one came after.
  EXPECT_NEAR(got[2], 6.5, 0.6);  // Known at 4.5 s; two steps elsewhere.
  EXPECT_LT(got[3], 5);  // Between one that waits, over 5 s, and one that does not.
}

TEST(Failure, WithNobodyLeftRequestsAreRejected) {
  Deployment d = replicas(2);
  d.faults.failures = {failure(0, 5, 1, std::nullopt), failure(1, 7, 1, std::nullopt)};
  const auto got = run(d, made::paced(40, Seconds(0.5), 100, 3), [](const Summary& s) {
    expect_all_accounted_for(s);
    return std::vector{static_cast<double>(s.in_flight), static_cast<double>(s.completed),
                       static_cast<double>(s.rejected), static_cast<double>(s.faults->unavailable)};
  });
  ASSERT_EQ(got.size(), 4u);
  EXPECT_EQ(got[0], 0);
  EXPECT_GT(got[1], 0);
  EXPECT_GT(got[2], 20);
  EXPECT_EQ(got[2], got[3]);
}

TEST(Failure, ANodeTakesAllItsReplicasDown) {
  Deployment d = replicas(4);
  d.faults.failures = {{{0, 4}, Seconds(2.5), Seconds(1), Seconds(10)}};
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 4, 100, 4), [](const Summary& s) {
    expect_all_accounted_for(s);
    return std::vector{s.faults->replica_down.value(), s.horizon.value(),
                       static_cast<double>(s.faults->retried)};
  });
  ASSERT_EQ(got.size(), 3u);
  EXPECT_NEAR(got[0], 44, kExact);
  EXPECT_NEAR(got[1], 17.5, kExact);
  EXPECT_EQ(got[2], 4);
}

// A worker for prompts and one for decodes; steps of a second, transfers of none. The decode worker
// fails at 3.5 s and is back at 14.5 s; the prompt is computed again at 5.5 s and waits for it.
TEST(Failure, AfterADecodeWorkerFailsThePromptIsComputedAgain) {
  Deployment d = replicas(1);
  d.cluster = made::cluster(made::instant_device(), 2);
  d.prefill = ParallelPlan{};
  d.faults.failures = {failure(pools_of(d)[0].first_device, 3.5, 1, Seconds(10))};
  const auto got = run(d, made::workload(ArrivalKind::kStatic, 1, 100, 5), [](const Summary& s) {
    expect_all_accounted_for(s);
    return std::vector{static_cast<double>(s.completed), s.horizon.value(), s.ttft_s.mean,
                       static_cast<double>(s.input_tokens_done),
                       static_cast<double>(s.faults->retried)};
  });
  ASSERT_EQ(got.size(), 5u);
  EXPECT_EQ(got[0], 1);
  EXPECT_NEAR(got[1], 18.5, kExact);
  EXPECT_NEAR(got[2], 1, kExact);
  EXPECT_EQ(got[3], 100);
  EXPECT_EQ(got[4], 1);
}

// A decode worker that never comes back leaves nobody to finish what the prefill worker begins.
TEST(Failure, WithoutDecodeWorkersPromptsAreRejected) {
  Deployment d = replicas(1);
  d.cluster = made::cluster(made::instant_device(), 2);
  d.prefill = ParallelPlan{};
  d.faults.failures = {failure(pools_of(d)[0].first_device, 3.5, 1, std::nullopt)};
  const auto got = run(d, made::paced(8, Seconds(1), 100, 5), [](const Summary& s) {
    expect_all_accounted_for(s);
    return std::vector{static_cast<double>(s.completed), static_cast<double>(s.in_flight),
                       static_cast<double>(s.rejected)};
  });
  EXPECT_EQ(got, (std::vector<double>{0, 0, 8}));
}

double real(RandomStream& random, double from, double to) {
  return from + (to - from) * random.uniform();
}

std::int64_t whole(RandomStream& random, std::int64_t from, std::int64_t to) {
  return from + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(to - from + 1)));
}

// Links and devices of two nodes of four, in a run of about a second.
FaultSpec any_faults(RandomStream& random) {
  FaultSpec faults;
  for (std::int64_t i = whole(random, 0, 4); i > 0; --i) {
    Slowdown slow;
    slow.part = static_cast<FaultPart>(whole(random, 0, 2));
    slow.index = whole(random, 0, 7);
    slow.devices = {slow.index, 1};
    slow.speed = slow.part == FaultPart::kDevice || whole(random, 0, 1) ? real(random, 0.1, 1) : 0;
    slow.from = Seconds(real(random, 0, 0.5));
    slow.until = slow.from + Seconds(real(random, 0.01, 0.5));
    slow.timeout = Seconds(real(random, 0.01, 0.5));
    slow.restart = Seconds(real(random, 0.01, 0.5));
    const bool is_free = std::none_of(
        faults.slowdowns.begin(), faults.slowdowns.end(),
        [&](const Slowdown& s) { return s.part == slow.part && s.index == slow.index; });
    if (is_free) faults.slowdowns.push_back(slow);
  }
  for (std::int64_t i = whole(random, faults.slowdowns.empty() ? 1 : 0, 3); i > 0; --i) {
    Failure lost = failure(whole(random, 0, 7), real(random, 0, 0.5), real(random, 0.01, 0.2),
                           Seconds(real(random, 0.01, 0.5)));
    if (whole(random, 0, 4) == 0) lost.restart = std::nullopt;
    if (whole(random, 0, 4) == 0) lost.devices = {lost.devices.first / 4 * 4, 4};
    faults.failures.push_back(lost);
  }
  return faults;
}

Deployment eight_devices(std::int64_t layout) {
  ClusterSpec cluster = made::cluster(made::device(), 4);
  cluster.nodes = 2;
  cluster.node.nics = 4;
  cluster.node.nic_bandwidth = BytesPerSecond(10e9);
  cluster.fabric.kind = FabricKind::kRailFatTree;
  cluster.fabric.switch_ports = 64;
  cluster.fabric.port_bandwidth = BytesPerSecond(10e9);
  Deployment d = made::deployment(made::small_moe(), cluster);
  d.serving.memory.max_num_seqs = 8;
  d.serving.step_time = Seconds(1e-3);
  if (layout == 0) d.plan = {.attention_dp = 8, .ep = 8};
  if (layout == 1) d.plan = {.tp = 1, .attention_dp = 2, .ep = 2, .replicas = 4};
  if (layout == 2) d.plan = {.tp = 2, .pp = 2, .moe_tp = 2, .replicas = 2};
  if (layout == 3) {
    d.plan = {.attention_dp = 2, .ep = 2, .replicas = 2};
    d.prefill = ParallelPlan{.tp = 2, .moe_tp = 2, .replicas = 2};
  }
  return d;
}

// Whatever fails: every request ends, every token is counted, and the same again gives the same.
TEST(Failure, EveryRequestIsAccountedForUnderRandomFaults) {
  RandomStream random(7, "random faults");
  for (std::int64_t round = 0; round < 24; ++round) {
    Deployment d = eight_devices(round % 4);
    d.faults = any_faults(random);
    Workload w = made::paced(80, Seconds(0.01), 300, 40);
    for (std::size_t i = 0; i < w.requests.size(); ++i) {
      w.requests[i].output_tokens = 1 + static_cast<std::int64_t>(i) * 7 % 60;
    }
    const bool is_cut = whole(random, 0, 2) == 0;
    if (is_cut) w.horizon = Seconds(real(random, 0.1, 1));
    const auto picked = [&](const Summary& s) {
      expect_all_accounted_for(s);
      EXPECT_TRUE(is_cut || s.in_flight == 0);
      return std::vector{s.horizon.value(), static_cast<double>(s.completed),
                         static_cast<double>(s.faults->retried), s.energy.total().value()};
    };
    const auto got = run(d, w, picked);
    ASSERT_EQ(got.size(), 4u) << "round " << round;
    EXPECT_EQ(got, run(d, w, picked)) << "round " << round;
  }
}

}  // namespace
}  // namespace moesim
