// Links and devices at a share of their speed, and links that are down for a while.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "sim/serving/run_case.h"
#include "tests/sim/in_child.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

constexpr double kExact = 1e-6;
constexpr Seconds kEver{std::numeric_limits<double>::infinity()};

// Nodes of one device and one NIC of 10 GB/s each.
ClusterSpec scale_out(const DeviceSpec& device, std::int64_t nodes, std::int64_t per_node = 1) {
  ClusterSpec cluster = made::cluster(device, per_node);
  cluster.nodes = nodes;
  cluster.node.nics = per_node;
  cluster.node.nic_bandwidth = BytesPerSecond(10e9);
  cluster.fabric.kind = FabricKind::kRailFatTree;
  cluster.fabric.switch_ports = 64;
  cluster.fabric.port_bandwidth = BytesPerSecond(10e9);
  return cluster;
}

Slowdown nic_down(std::int64_t nic, Seconds from, Seconds until, Seconds timeout = Seconds(1e6)) {
  return {FaultPart::kNic, nic, {nic, 1}, 0, from, until, timeout, Seconds(20)};
}

// Two nodes hold a layer together; every step takes a second.
Deployment pair_of_nodes() {
  Deployment d = made::constant_step(Seconds(1));
  d.cluster = scale_out(made::instant_device(), 2);
  d.cluster.node.nic_bandwidth = d.cluster.fabric.port_bandwidth = BytesPerSecond(1e24);
  d.plan.tp = 2;
  return d;
}

TEST(Slowdown, AGroupGoesAsItsSlowestMember) {
  const ClusterSpec cluster = scale_out(made::device(), 4);
  const std::vector<std::int64_t> all{0, 1, 2, 3}, without{0, 1, 2};
  LinkSpeeds speeds;
  speeds.nics[3] = 0.5;
  const auto wire_time = [&](std::span<const std::int64_t> devices, const LinkSpeeds& s) {
    return library_all_reduce(make_group(cluster, devices, s), Bytes(1e9)).time.value();
  };
  EXPECT_NEAR(wire_time(all, speeds) / wire_time(all, {}), 2, 0.001);
  EXPECT_DOUBLE_EQ(wire_time(without, speeds), wire_time(without, {}));
}

TEST(Slowdown, AnAllToAllWaitsForWhatTheSlowNicCarries) {
  const ClusterSpec cluster = scale_out(made::device(), 4);
  const std::vector<std::int64_t> all{0, 1, 2, 3};
  LinkSpeeds speeds;
  speeds.nics[3] = 0.5;
  const CommGroup slow = make_group(cluster, all, speeds), whole = make_group(cluster, all);
  const auto time = [](const CommGroup& group, double others, double last) {
    PortLoads loads;
    loads.scale_out_out = loads.scale_out_in = {others, others, others, last};
    return all_to_all(group, loads).value();
  };
  // Even loads: the slow one bounds it. A quarter of the load: the others do, as ever.
  EXPECT_NEAR(time(slow, 1e9, 1e9) / time(whole, 1e9, 1e9), 2, 0.001);
  EXPECT_NEAR(time(slow, 1e9, 0.75e9) / time(whole, 1e9, 0.75e9), 1.5, 0.001);
  EXPECT_DOUBLE_EQ(time(slow, 1e9, 0.25e9), time(whole, 1e9, 0.25e9));
}

TEST(Slowdown, ADeviceAtHalfItsSpeedDoublesAStepWithoutWaits) {
  const Deployment d = made::deployment(made::small_dense(), made::cluster(made::device(), 1));
  StepModel model(d, nullptr);
  Stage stage = make_stage(d, 0, 0);
  StageCost whole, slow;
  const std::vector<RankStep> ranks{made::prompt(4096)};
  model.run(stage, ranks, whole);
  Conditions conditions;
  conditions.devices[0] = 0.5;
  apply(conditions, d, stage);
  model.run(stage, ranks, slow);
  EXPECT_NEAR(slow.time / whole.time, 2, 1e-9);
  EXPECT_NEAR(slow.ranks[0].total_time() / slow.time, 1, 1e-9);
  // The same work, and waiting power for the time added.
  const Joules added = model.device().waiting_power() * (slow.time - whole.time);
  EXPECT_NEAR(slow.ranks[0].total_energy() / (whole.ranks[0].total_energy() + added), 1, 1e-9);
}

TEST(Slowdown, ThePeersOfAStragglerWaitAsLongAsItWorksLonger) {
  Deployment d = made::deployment(made::small_moe(), made::cluster(made::device(), 4));
  d.plan.attention_dp = 2;
  d.plan.tp = 2;
  d.plan.ep = 4;
  const RoutingBank bank = make_routing_bank(d.model, d.tokens, 1);
  StepModel model(d, &bank);
  Stage stage = make_stage(d, 0, 0);
  Conditions conditions;
  conditions.devices[1] = 0.5;
  apply(conditions, d, stage);
  ASSERT_EQ(stage.slowness, (std::vector<double>{1, 2, 1, 1}));
  StageCost cost;
  model.run(stage, std::vector<RankStep>{made::prompt(4096), made::prompt(4096)}, cost);
  const auto kernels = [&](std::size_t r) {
    return (cost.ranks[r].time[Activity::kCompute] + cost.ranks[r].time[Activity::kMemory]).value();
  };
  for (const DeviceLedger& rank : cost.ranks) EXPECT_NEAR(rank.total_time() / cost.time, 1, 1e-9);
  for (const std::size_t healthy : {0u, 2u, 3u}) {
    EXPECT_NEAR(kernels(1) / kernels(healthy), 2, 0.1);  // Experts differ a little.
    const double wait = cost.ranks[healthy].time[Activity::kImbalanceWait].value();
    EXPECT_NEAR(wait / (kernels(1) - kernels(healthy)), 1, 0.01);
  }
}

TEST(Slowdown, OnlyThoseWhoUseADeadLinkNeedIt) {
  Deployment d = made::deployment(made::small_moe(), scale_out(made::device(), 2, 4));
  d.plan.tp = 4;
  d.plan.moe_tp = 4;
  d.plan.replicas = 2;
  const DownLink nic{FaultPart::kNic, {5, 1}, Seconds(1), Seconds(1), Seconds(1)};
  const DownLink port{FaultPart::kScaleUp, {5, 1}, Seconds(1), Seconds(1), Seconds(1)};
  EXPECT_FALSE(step_needs(nic, d, make_stage(d, 1, 0)));  // Stays inside the node.
  EXPECT_TRUE(step_needs(port, d, make_stage(d, 1, 0)));
  EXPECT_FALSE(step_needs(port, d, make_stage(d, 0, 0)));
  d.plan = {.tp = 1, .attention_dp = 8, .ep = 8};
  EXPECT_TRUE(step_needs(nic, d, make_stage(d, 0, 0)));
  EXPECT_TRUE(step_needs(port, d, make_stage(d, 0, 0)));
  d.plan = {.tp = 4, .pp = 2, .moe_tp = 4};
  const Stage first = make_stage(d, 0, 0), second = make_stage(d, 0, 1);
  EXPECT_FALSE(step_needs(nic, d, second));
  EXPECT_TRUE(transfer_needs(nic, d, first, second));
  EXPECT_FALSE(transfer_needs(port, d, first, second));
}

// What a run of ten steps of a second each makes of faults.
std::vector<double> ten_steps(Deployment d, const std::vector<Slowdown>& slowdowns) {
  d.faults.slowdowns = slowdowns;
  return in_child([&] {
    const Workload w = made::workload(ArrivalKind::kStatic, 2, 100, 10);
    const Summary s = run_case(d, w, nullptr);
    const DeviceLedger& device = s.devices.front();
    EXPECT_NEAR(device.total_time() / s.horizon, 1, 1e-9);
    EXPECT_EQ(s.completed, 2);
    return std::vector{s.horizon.value(), s.faults ? s.faults->held.value() : 0,
                       s.faults ? static_cast<double>(s.faults->retried) : 0,
                       device.time[Activity::kCommunication].value()};
  });
}

// Down in the middle of a step, before one, and over several: the run is as much longer.
TEST(Slowdown, ALinkThatIsDownShiftsEverythingByThatTime) {
  const Deployment d = pair_of_nodes();
  EXPECT_NEAR(ten_steps(d, {})[0], 10, kExact);
  for (const double from : {0.0, 2.5, 3.0}) {
    const auto got = ten_steps(d, {nic_down(1, Seconds(from), Seconds(from + 5))});
    ASSERT_EQ(got.size(), 4u);
    EXPECT_NEAR(got[0], 15, kExact) << from;
    EXPECT_NEAR(got[1], 10, kExact) << from;  // Five seconds of two devices.
    EXPECT_EQ(got[2], 0) << from;
    EXPECT_NEAR(got[3], 5, kExact) << from;  // They hang in a collective.
  }
  // Two that overlap, and one that nobody uses.
  EXPECT_NEAR(
      ten_steps(d, {nic_down(0, Seconds(2), Seconds(5)), nic_down(1, Seconds(4), Seconds(7))})[0],
      15, kExact);
  Deployment alone = d;
  alone.plan.tp = 1;
  EXPECT_NEAR(ten_steps(alone, {nic_down(0, Seconds(2), Seconds(5))})[0], 10, kExact);
}

// A second for every step of two stages; activations between them take no time. Down from 2.5 s:
// those that leave at 3 s arrive at 7.5 s.
TEST(Slowdown, ActivationsWaitForTheLinkToo) {
  Deployment d = pair_of_nodes();
  d.model = made::small_dense(2);
  d.plan = {.tp = 1, .pp = 2};
  const double usual = ten_steps(d, {})[0];
  const auto got = ten_steps(d, {nic_down(0, Seconds(2.5), Seconds(7.5))});
  ASSERT_EQ(got.size(), 4u);
  EXPECT_GT(got[0], usual + 3);
  EXPECT_LT(got[0], usual + 5 + kExact);
}

// Gives up 4 s after the link went down at 2.5 s, and starts anew 20 s later: 26.5 s, all ten steps
// again.
TEST(Slowdown, AfterTheTimeoutTheReplicaStartsAnew) {
  const auto got = ten_steps(pair_of_nodes(), {nic_down(1, Seconds(2.5), Seconds(12), Seconds(4))});
  ASSERT_EQ(got.size(), 4u);
  EXPECT_NEAR(got[0], 36.5, kExact);
  EXPECT_EQ(got[2], 2);
  // It cannot start before the link is there.
  const auto late =
      ten_steps(pair_of_nodes(), {nic_down(1, Seconds(2.5), Seconds(50), Seconds(4))});
  ASSERT_EQ(late.size(), 4u);
  EXPECT_NEAR(late[0], 60, kExact);
}

// Eight nodes on switches of four ports: four leaves of two nodes, with two cables up each.
Deployment eight_nodes() {
  Deployment d = pair_of_nodes();
  d.cluster = scale_out(made::instant_device(), 8);
  d.cluster.fabric.kind = FabricKind::kFatTree;
  d.cluster.fabric.switch_ports = 4;
  d.cluster.node.nic_bandwidth = d.cluster.fabric.port_bandwidth = BytesPerSecond(1e24);
  return d;
}

Slowdown leaf_slow(const Deployment& d, std::int64_t cables, double speed, Seconds from,
                   Seconds until) {
  Slowdown slow{FaultPart::kFabric, 0, {0, 8}, 1, from, until, Seconds(1e6), Seconds(20)};
  slow.fabric = slow_fabric(std::make_shared<FabricLinks>(d.cluster), "leaf 0", cables, speed);
  for (const auto& [port, share] : slow.fabric.ports) slow.speed = std::min(slow.speed, share);
  return slow;
}

// A group sends 6 of 7 bytes out of its leaf: two NICs need 12/7 of one cable's bandwidth.
TEST(Slowdown, ALeafWithHalfItsCablesCarriesHalf) {
  Deployment d = eight_nodes();
  d.cluster.node.nic_bandwidth = d.cluster.fabric.port_bandwidth = BytesPerSecond(10e9);
  const std::vector<std::int64_t> all{0, 1, 2, 3, 4, 5, 6, 7}, one_leaf{2, 3};
  const auto share = [&](const std::vector<std::int64_t>& devices, double speed) {
    Conditions now =
        conditions_at({{leaf_slow(d, 1, speed, Seconds(0), kEver)}, {}, {}}, Seconds(1));
    EXPECT_TRUE(now.down.empty());
    return make_group(d.cluster, devices, now.links).fabric.spread.value();
  };
  EXPECT_NEAR(share(all, 1), 10e9, 1);
  EXPECT_NEAR(share(all, 0), 10e9 * 7 / 12, 1);
  EXPECT_NEAR(share(all, 0.1), 1.1 * 10e9 * 7 / 12, 1);
  EXPECT_NEAR(share(one_leaf, 0), 10e9, 1);
}

TEST(Slowdown, ALeafWithoutCablesStopsThoseWhoSendThroughIt) {
  Deployment d = eight_nodes();
  d.plan.tp = 4;  // Nodes of two leaves.
  const auto down = [&](std::int64_t cables) {
    return leaf_slow(d, cables, 0, Seconds(2.5), Seconds(7.5));
  };
  EXPECT_NEAR(ten_steps(d, {down(0)})[0], 15, kExact);
  EXPECT_NEAR(ten_steps(d, {down(0)})[1], 20, kExact);  // Five seconds of four devices.
  EXPECT_NEAR(ten_steps(d, {down(1)})[0], 10, kExact);  // The other cable still carries all.
  d.plan.tp = 2;                                        // Within one leaf.
  EXPECT_NEAR(ten_steps(d, {down(0)})[0], 10, kExact);
}

TEST(Slowdown, HasItsTime) {
  Deployment d = made::deployment(made::small_dense(), made::cluster(made::device(), 1));
  const auto horizon = [&](std::vector<Slowdown> slowdowns) {
    d.faults.slowdowns = std::move(slowdowns);
    return in_child([&] {
      const Workload w = made::workload(ArrivalKind::kStatic, 4, 1000, 400);
      return std::vector{run_case(d, w, nullptr).horizon.value()};
    })[0];
  };
  const double whole = horizon({});
  const Slowdown half{FaultPart::kDevice, 0, {0, 1}, 0.5, Seconds(0), kEver, {}, {}};
  Slowdown passing = half;
  passing.until = Seconds(whole);  // By then half is done.
  EXPECT_NEAR(horizon({half}) / whole, 2, 0.01);
  EXPECT_NEAR(horizon({passing}) / whole, 1.5, 0.01);
}

}  // namespace
}  // namespace moesim
