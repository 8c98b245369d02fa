#include "sim/network/collectives.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "hardware/read/profiles.h"
#include "tests/sim/ideal_cluster.h"

namespace moesim {
namespace {

CommGroup group_of(const ClusterSpec& cluster, std::int64_t size, std::int64_t stride = 1) {
  std::vector<std::int64_t> devices(size);
  for (std::int64_t i = 0; i < size; ++i) devices[i] = i * stride;
  return make_group(cluster, devices);
}

constexpr Bytes kGigabyte{1e9};
constexpr double kExact = 1e-12;

TEST(CommGroup, CountsMembersPerNode) {
  const std::vector<std::int64_t> devices{0, 1, 2, 9, 17};
  const CommGroup group = make_group(made::ideal_cluster(3), devices);
  EXPECT_EQ(group.size, 5);
  EXPECT_EQ(group.nodes, 3);
  EXPECT_EQ(group.per_node, 3);
  EXPECT_EQ(group.scale_up, BytesPerSecond(100e9));
  EXPECT_EQ(group.scale_out, BytesPerSecond(10e9));
}

TEST(CommGroup, DevicesThatShareNicsShareTheirBandwidth) {
  ClusterSpec cluster = made::ideal_cluster(2);
  cluster.node.nics = 4;
  EXPECT_EQ(group_of(cluster, 16).scale_out, BytesPerSecond(5e9));
}

TEST(CommGroup, OfAMeshUsesOnlyTheLinksToItsMembers) {
  ClusterSpec cluster = made::ideal_cluster(1);
  cluster.node.device.link_technology.wiring = LinkWiring::kMesh;
  EXPECT_DOUBLE_EQ(group_of(cluster, 8).scale_up.value(), 100e9);
  EXPECT_DOUBLE_EQ(group_of(cluster, 2).scale_up.value(), 100e9 / 7);
}

TEST(CommGroup, OverSeveralBridgesMeetsAtTheHostPorts) {
  ClusterSpec cluster = made::ideal_cluster(1);
  cluster.node.device.link_domain = 2;
  EXPECT_EQ(group_of(cluster, 2).scale_up, BytesPerSecond(100e9));
  EXPECT_EQ(group_of(cluster, 4).scale_up, BytesPerSecond(25e9));
}

TEST(CommGroup, RefusesMembersThatNoLinkJoins) {
  ClusterSpec cluster = made::ideal_cluster(2);
  cluster.node.nics = 0;
  EXPECT_THROW(group_of(cluster, 16), std::invalid_argument);
}

TEST(Collectives, AGroupOfOneCostsNothing) {
  const CommGroup one = group_of(made::ideal_cluster(1), 1);
  EXPECT_EQ(all_reduce(one, kGigabyte).time, Seconds(0));
  EXPECT_EQ(library_all_reduce(one, kGigabyte).scale_up_sent, Bytes(0));
  EXPECT_EQ(all_gather(one, kGigabyte).time, Seconds(0));
  EXPECT_EQ(reduce_scatter(one, kGigabyte).time, Seconds(0));
  EXPECT_EQ(all_to_all(one, {}), Seconds(0));
  EXPECT_EQ(point_to_point_latency(one), Seconds(0));
}

TEST(Collectives, ARingSendsSevenEighthsPerLap) {
  const CommGroup eight = group_of(made::ideal_cluster(1), 8);
  const CollectiveCost gather = all_gather(eight, kGigabyte);
  EXPECT_DOUBLE_EQ(gather.scale_up_sent.value(), 0.875e9);
  EXPECT_NEAR(gather.time.value(), 5e-6 + 7 * 1e-6 + 8.75e-3, kExact);
  EXPECT_EQ(reduce_scatter(eight, kGigabyte).time, gather.time);
  const CollectiveCost reduce = all_reduce(eight, kGigabyte);
  EXPECT_DOUBLE_EQ(reduce.scale_up_sent.value(), 1.75e9);
  EXPECT_NEAR(reduce.time.value(), 5e-6 + 14 * 1e-6 + 17.5e-3, kExact);
}

TEST(Collectives, HalfSizeDoublesTheTimeOfSmallVolumesOnly) {
  ClusterSpec cluster = made::ideal_cluster(1);
  cluster.node.device.link_technology.half_size = Bytes(1e6);
  const CommGroup two = group_of(cluster, 2);  // Sends half of what it gathers.
  const double fixed = 6e-6;
  EXPECT_NEAR((all_gather(two, Bytes(2e3)).time.value() - fixed) / 1e-8, 2, 2e-3);
  EXPECT_NEAR((all_gather(two, Bytes(2e6)).time.value() - fixed) / 1e-5, 1.5, 1e-9);
  EXPECT_NEAR((all_gather(two, Bytes(2e9)).time.value() - fixed) / 1e-2, 1, 2e-3);
}

// Three times the ramp on top of the volume's own time; nothing of it for large volumes.
TEST(Collectives, RampMultipliesWhatSmallVolumesCost) {
  ClusterSpec cluster = made::ideal_cluster(1);
  cluster.node.device.link_technology.half_size = Bytes(1e6);
  cluster.node.device.link_technology.ramp = 3;
  const CommGroup two = group_of(cluster, 2);
  const double fixed = 6e-6;
  EXPECT_NEAR((all_gather(two, Bytes(2e3)).time.value() - fixed) / 1e-8, 4, 1e-2);
  EXPECT_NEAR((all_gather(two, Bytes(2e9)).time.value() - fixed) / 1e-2, 1, 5e-3);
}

// 10 us later in bulk; half of that where a member sends half of bulk_size.
TEST(Collectives, BulkStartsLater) {
  ClusterSpec cluster = made::ideal_cluster(1);
  const double before = all_gather(group_of(cluster, 2), Bytes(2e4)).time.value();
  cluster.node.device.link_technology.bulk_start = Seconds(10e-6);
  cluster.node.device.link_technology.bulk_size = Bytes(1e4);
  const CommGroup two = group_of(cluster, 2);
  EXPECT_NEAR(all_gather(two, Bytes(2e4)).time.value() - before, 10e-6, kExact);
  EXPECT_NEAR(all_gather(two, Bytes(1e4)).time.value() - (before - 5e-8), 5e-6, 1e-9);
}

TEST(Collectives, TheSwitchReducesForThreeOrMore) {
  ClusterSpec cluster = made::ideal_cluster(1);
  cluster.node.device.link_technology.in_switch_reduction = true;
  EXPECT_DOUBLE_EQ(all_reduce(group_of(cluster, 8), kGigabyte).scale_up_sent.value(), 1e9);
  EXPECT_DOUBLE_EQ(all_reduce(group_of(cluster, 2), kGigabyte).scale_up_sent.value(), 1e9);
  EXPECT_NEAR(all_reduce(group_of(cluster, 8), kGigabyte).time.value(), 5e-6 + 14e-6 + 10e-3,
              kExact);
}

TEST(Collectives, AnInefficientSwitchIsLeftOut) {
  ClusterSpec cluster = made::ideal_cluster(1);
  cluster.node.device.link_technology.in_switch_reduction = true;
  cluster.node.device.link_technology.reduction_efficiency = 0.5;
  EXPECT_DOUBLE_EQ(all_reduce(group_of(cluster, 8), kGigabyte).scale_up_sent.value(), 1.75e9);
}

TEST(Collectives, AcrossNodesTheSlowerLevelSetsThePace) {
  // Two nodes: each device sends its eighth once over its NIC, 125 MB at 10 GB/s.
  const CollectiveCost reduce = all_reduce(group_of(made::ideal_cluster(2), 16), kGigabyte);
  EXPECT_DOUBLE_EQ(reduce.scale_out_sent.value(), 0.125e9);
  EXPECT_DOUBLE_EQ(reduce.scale_up_sent.value(), 1.75e9);
  // In the node 17.5 ms, across 12.5 ms.
  EXPECT_NEAR(reduce.time.value(), 20e-6 + 14 * 1e-6 + 2 * 3e-6 + 17.5e-3, kExact);
}

TEST(Collectives, OneMemberPerNodeUsesTheNicsOnly) {
  const CollectiveCost gather = all_gather(group_of(made::ideal_cluster(4), 4, 8), kGigabyte);
  EXPECT_EQ(gather.scale_up_sent, Bytes(0));
  EXPECT_DOUBLE_EQ(gather.scale_out_sent.value(), 0.75e9);
  EXPECT_NEAR(gather.time.value(), 20e-6 + 3 * 3e-6 + 75e-3, kExact);
}

TEST(Collectives, ManyNodesReduceSmallBuffersAlongATree) {
  // 64 nodes: 2 log2(64) = 12 steps instead of the ring's 126.
  const CommGroup group = group_of(made::ideal_cluster(64), 64, 8);
  EXPECT_NEAR(all_reduce(group, Bytes(1)).time.value(), 20e-6 + 12 * 3e-6, 1e-9);
  EXPECT_DOUBLE_EQ(all_reduce(group, kGigabyte).scale_out_sent.value(), 2e9 * 63 / 64);
}

TEST(Collectives, AGraphKernelServesSmallBuffersAndTheLibraryLargeOnes) {
  ClusterSpec cluster = made::ideal_cluster(1);
  cluster.node.device.link_technology.graph_start = Seconds(8e-6);
  cluster.node.device.link_technology.graph_doubling = Seconds(1e-6);
  cluster.node.device.link_technology.graph_efficiency = 0.5;
  const CommGroup eight = group_of(cluster, 8);
  EXPECT_NEAR(all_reduce(eight, Bytes(1)).time.value(), 8e-6 + 3e-6, 1e-9);
  EXPECT_EQ(all_reduce(eight, kGigabyte).time, library_all_reduce(eight, kGigabyte).time);
  // Two members: the library would end after 7 us, but the members still wait for each other.
  EXPECT_NEAR(all_reduce(group_of(cluster, 2), Bytes(1)).time.value(), 8e-6 + 1e-6, 1e-9);
}

TEST(Collectives, MoreBytesNeverTakeLess) {
  ClusterSpec cluster = made::ideal_cluster(4);
  LinkTechnology& link = cluster.node.device.link_technology;
  link.half_size = Bytes(8e6);
  link.in_switch_reduction = true;
  link.reduction_efficiency = 0.7;
  link.graph_start = Seconds(8e-6);
  link.graph_efficiency = 0.45;
  for (const std::int64_t size : {2, 3, 8, 16, 32}) {
    const CommGroup group = group_of(cluster, size);
    CollectiveCost before[3];
    for (double bytes = 1; bytes < 1e12; bytes *= 1.3) {
      const CollectiveCost now[3] = {all_reduce(group, Bytes(bytes)),
                                     all_gather(group, Bytes(bytes)),
                                     library_all_reduce(group, Bytes(bytes))};
      for (int i = 0; i < 3; ++i) EXPECT_GE(now[i].time, before[i].time) << size << " " << bytes;
      std::copy(now, now + 3, before);
    }
  }
}

TEST(Collectives, OfEveryShippedNodeAreFinite) {
  for (const std::string& name : profile_names("nodes")) {
    ClusterSpec cluster;
    cluster.node = load_node(name);
    const CommGroup group = group_of(cluster, cluster.node.devices);
    if (group.size == 1) continue;
    for (const double bytes : {1.0, 1e6, 1e9}) {
      const PortLoads loads{{bytes}, {bytes}, {}, {}};
      for (const Seconds time :
           {all_reduce(group, Bytes(bytes)).time, library_all_reduce(group, Bytes(bytes)).time,
            all_gather(group, Bytes(bytes)).time, all_to_all(group, loads),
            all_to_all(group, loads, AllToAllKernel::kLowLatency)}) {
        // No kernel starts in a microsecond; no link is slower than 0.1 GB/s.
        EXPECT_GT(time.value(), 1e-6) << name;
        EXPECT_LT(time.value(), 1e-3 + bytes / 1e8) << name;
      }
    }
  }
}

TEST(AllToAll, EndsWhenItsFullestPortDoes) {
  const CommGroup four = group_of(made::ideal_cluster(1), 4);
  PortLoads loads{{1e6, 1e6, 1e6, 1e6}, {1e6, 1e6, 1e6, 1e6}, {}, {}};
  const double even = all_to_all(four, loads).value();
  loads.scale_up_in[2] = 3e6;
  EXPECT_NEAR(all_to_all(four, loads).value() - even, 2e6 / 100e9, kExact);
  loads.scale_up_out[0] = 2e6;
  EXPECT_NEAR(all_to_all(four, loads).value() - even, 2e6 / 100e9, kExact);
}

TEST(AllToAll, TheNicsSetThePaceAcrossNodes) {
  const CommGroup group = group_of(made::ideal_cluster(2), 16);
  PortLoads loads{std::vector<double>(16, 1e6), std::vector<double>(16, 1e6),
                  std::vector<double>(16, 1e6), std::vector<double>(16, 1e6)};
  const double nics = all_to_all(group, loads).value();
  loads.scale_up_out.assign(16, 9e6);  // 90 us in the node against 100 us over the NICs.
  EXPECT_EQ(all_to_all(group, loads).value(), nics);
}

TEST(AllToAll, ExpertKernelsStartOncePerLevel) {
  const auto idle = [](std::int64_t nodes, AllToAllKernel kernel) {
    const std::int64_t size = 8 * nodes;
    return all_to_all(group_of(made::ideal_cluster(nodes), size), {}, kernel).value();
  };
  EXPECT_NEAR(idle(1, AllToAllKernel::kLowLatency), 13e-6, kExact);
  EXPECT_NEAR(idle(2, AllToAllKernel::kLowLatency), 13e-6 + 20e-6, kExact);
  EXPECT_LT(idle(1, AllToAllKernel::kLowLatency), idle(1, AllToAllKernel::kNormalDispatch));
  EXPECT_LT(idle(1, AllToAllKernel::kNormalDispatch), idle(1, AllToAllKernel::kNormalCombine));
}

// Two-to-one above nine leaves of four nodes. Of the 280 parts that a device sends to other nodes,
// 256 leave the leaf; a ring in order leaves each leaf over 8 of its 16 up-links.
ClusterSpec oversubscribed_cluster() {
  ClusterSpec cluster = made::ideal_cluster(36);
  cluster.fabric.kind = FabricKind::kFatTree;
  cluster.fabric.switch_ports = 48;
  cluster.fabric.port_bandwidth = BytesPerSecond(10e9);
  cluster.fabric.oversubscription = 2;
  return cluster;
}

TEST(BlockingFabric, SlowsAnEvenAllToAllAndSparesARing) {
  ClusterSpec cluster = oversubscribed_cluster();
  const CommGroup narrow = group_of(cluster, 288);
  cluster.fabric.oversubscription = 1;
  const CommGroup wide = group_of(cluster, 288);
  const std::vector<double> even(288, 1e9);
  const PortLoads loads{{}, {}, even, even};
  const double start = all_to_all(narrow, {}).value();
  EXPECT_NEAR(
      (all_to_all(narrow, loads).value() - start) / (all_to_all(wide, loads).value() - start),
      2.0 * 256 / 280, 1e-9);
  EXPECT_EQ(all_gather(narrow, kGigabyte).time, all_gather(wide, kGigabyte).time);
  EXPECT_EQ(library_all_reduce(narrow, kGigabyte).time, library_all_reduce(wide, kGigabyte).time);
}

// The up-links carry everybody's traffic: one full NIC among idle ones does not fill them.
TEST(BlockingFabric, LeavesOneBusyNicItsBandwidth) {
  const CommGroup group = group_of(oversubscribed_cluster(), 288);
  std::vector<double> one(288, 0.0);
  one[3] = 1e9;
  const double start = all_to_all(group, {}).value();
  EXPECT_NEAR(all_to_all(group, {{}, {}, one, one}).value() - start, 0.1, 1e-9);
}

// 4 x 4 x 4 routers with links of a sixth of the NIC: a ring collective uses all six.
TEST(BlockingFabric, ATorusIsAsFastAsItsNicInARingAndAThirdInAnAllToAll) {
  ClusterSpec cluster = made::ideal_cluster(64);
  cluster.node.devices = 1;
  cluster.node.nics = 1;
  cluster.fabric.kind = FabricKind::kTorus;
  cluster.fabric.routing = FabricRouting::kMinimal;
  cluster.fabric.dimensions = 3;
  const CommGroup group = group_of(cluster, 64);
  EXPECT_NEAR(group.fabric.ring.value(), 10e9, 1);
  EXPECT_NEAR(group.fabric.spread.value(), 10e9 / 3 * 63 / 64, 1);
  const CommGroup two = group_of(cluster, 2);  // Neighbours share one link.
  EXPECT_NEAR(two.fabric.ring.value(), 10e9 / 6, 1);
}

TEST(PointToPoint, TakesAStartAndAStepOfTheLinkThatJoinsTheTwo) {
  EXPECT_NEAR(point_to_point_latency(group_of(made::ideal_cluster(2), 2)).value(), 6e-6, kExact);
  EXPECT_NEAR(point_to_point_latency(group_of(made::ideal_cluster(2), 2, 8)).value(), 23e-6,
              kExact);
}

}  // namespace
}  // namespace moesim
