// Physics of the fabrics: what a route crosses, what a cut carries, what has to be bought.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <queue>
#include <set>

#include "hardware/network/fabric_share.h"
#include "hardware/network/network_bill.h"
#include "hardware/network/topology.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

constexpr double kNic = 10e9;

// Nodes of one device with one 10 GB/s NIC, so that device, node and endpoint are the same.
ClusterSpec cluster_of(FabricSpec fabric, std::int64_t nodes) {
  ClusterSpec cluster;
  cluster.nodes = nodes;
  cluster.node.devices = 1;
  cluster.node.nics = 1;
  cluster.node.nic_bandwidth = BytesPerSecond(kNic);
  cluster.fabric = std::move(fabric);
  return cluster;
}

FabricSpec fat_tree(std::int64_t ports, double oversubscription = 1,
                    FabricRouting routing = FabricRouting::kSpread) {
  FabricSpec fabric;
  fabric.kind = FabricKind::kFatTree;
  fabric.routing = routing;
  fabric.switch_ports = ports;
  fabric.port_bandwidth = BytesPerSecond(kNic);
  fabric.oversubscription = oversubscription;
  return fabric;
}

// p = 2 endpoints, a = 4 switches a group, h = 2 global ports: balanced (a = 2p = 2h), 9 groups.
FabricSpec dragonfly(FabricRouting routing = FabricRouting::kMinimal) {
  FabricSpec fabric;
  fabric.kind = FabricKind::kDragonfly;
  fabric.routing = routing;
  fabric.switch_ports = 2 + 3 + 2;
  fabric.port_bandwidth = BytesPerSecond(kNic);
  fabric.endpoint_ports = 2;
  fabric.group_switches = 4;
  return fabric;
}

FabricSpec torus(std::vector<std::int64_t> shape, FabricRouting routing = FabricRouting::kMinimal) {
  FabricSpec fabric;
  fabric.kind = FabricKind::kTorus;
  fabric.routing = routing;
  fabric.dimensions = static_cast<std::int64_t>(shape.size());
  fabric.shape = std::move(shape);
  fabric.port_bandwidth = BytesPerSecond(1e9);
  return fabric;
}

std::vector<std::int64_t> all_of(const ClusterSpec& cluster) {
  std::vector<std::int64_t> devices(static_cast<std::size_t>(cluster.num_devices()));
  std::iota(devices.begin(), devices.end(), 0);
  return devices;
}

// Ports of a route that belong to the fabric.
std::vector<std::int32_t> fabric_hops(const Topology& topology, std::int64_t from,
                                      std::int64_t to) {
  std::vector<std::int32_t> hops;
  for (const std::int32_t port : topology.route(from, to)) {
    if (topology.ports()[port].port_class == PortClass::kFabric) hops.push_back(port);
  }
  return hops;
}

std::vector<ClusterSpec> one_of_each() {
  FabricSpec tapered = fat_tree(4, 1, FabricRouting::kEcmp);
  tapered.core_oversubscription = 2;
  return {cluster_of(fat_tree(4), 3),
          cluster_of(fat_tree(4), 7),
          cluster_of(fat_tree(4), 16),
          cluster_of(fat_tree(4, 1, FabricRouting::kEcmp), 15),
          cluster_of(fat_tree(8, 3, FabricRouting::kEcmp), 37),
          cluster_of(tapered, 16),
          cluster_of(dragonfly(), 7),
          cluster_of(dragonfly(), 20),
          cluster_of(dragonfly(), 72),
          cluster_of(dragonfly(FabricRouting::kValiant), 50),
          cluster_of(torus({5}), 5),
          cluster_of(torus({3, 4}), 12),
          cluster_of(torus({4, 2, 3}), 24),
          cluster_of(torus({2, 1, 2}), 4),
          cluster_of(torus({4, 4}, FabricRouting::kValiant), 16),
          {load_node("dgx-h100"), 40, load_fabric("rail-fat-tree")},
          {load_node("dgx-h100"), 24, load_fabric("slingshot-400-dragonfly")},
          {load_node("l40s-8x"), 40, load_fabric("fat-tree-2to1")},
          {load_node("mi300x-8x"), 20, load_fabric("roce-fat-tree-7to1")},
          {load_node("h100-nvl-8x"), 6, load_fabric("torus-2d")}};
}

// Follows the ports of a route over the graph's edges; those without a port may come between.
void expect_walk(const Topology& topology, const std::vector<Wire>& wires, std::int64_t from,
                 std::int64_t to) {
  std::map<std::int64_t, std::set<std::int64_t>> free_edges;
  std::map<std::int32_t, Wire> by_port;
  for (const Wire& wire : wires) {
    if (wire.port == Wire::kNoPort) {
      free_edges[wire.from].insert(wire.to);
    } else {
      by_port[wire.port] = wire;
    }
  }
  std::int64_t at = from;
  for (const std::int32_t port : topology.route(from, to)) {
    const Wire& wire = by_port.at(port);
    ASSERT_TRUE(at == wire.from || free_edges[at].count(wire.from) > 0)
        << topology.ports()[port].name << " from " << from << " to " << to;
    at = wire.to;
  }
  ASSERT_TRUE(at == to || free_edges[at].count(to) > 0) << from << " to " << to;
}

TEST(Fabric, EveryRouteIsAWalkOverTheGraph) {
  for (const ClusterSpec& cluster : one_of_each()) {
    const Topology topology(cluster);
    const std::vector<Wire> wires = topology.wires();
    const std::int64_t stride = 1 + cluster.num_devices() / 24;
    for (std::int64_t from = 0; from < cluster.num_devices(); from += stride) {
      for (std::int64_t to = cluster.num_devices() - 1; to >= 0; to -= stride) {
        if (from != to) expect_walk(topology, wires, from, to);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Fabric, EveryPortHasBandwidthAndANameOfItsOwnButForParallelLinks) {
  for (const ClusterSpec& cluster : one_of_each()) {
    const Topology topology(cluster);
    std::set<std::string> names;
    for (const Port& port : topology.ports()) {
      EXPECT_GT(port.bandwidth.value(), 0) << port.name;
      const bool is_new = names.insert(port.name).second;
      EXPECT_TRUE(is_new || cluster.fabric.kind == FabricKind::kDragonfly) << port.name;
    }
  }
}

TEST(Fabric, RoutesAreTheSameEachTime) {
  for (const ClusterSpec& cluster : one_of_each()) {
    const Topology one(cluster);
    const Topology other(cluster);
    const std::int64_t last = cluster.num_devices() - 1;
    EXPECT_EQ(one.route(0, last), one.route(0, last));
    EXPECT_EQ(one.route(last, 1), other.route(last, 1));
  }
}

// Largest flow from the first half of the devices to the other (Edmonds and Karp).
double max_flow(const Topology& topology, const std::vector<std::int64_t>& sources) {
  const std::int64_t source = topology.num_vertices();
  const std::int64_t sink = source + 1;
  std::map<std::int64_t, std::map<std::int64_t, double>> room;
  for (const Wire& wire : topology.wires()) {
    const bool free = wire.port == Wire::kNoPort;
    room[wire.from][wire.to] += free ? 1e15 : topology.ports()[wire.port].bandwidth.value();
    room[wire.to][wire.from] += 0;
  }
  const std::set<std::int64_t> first(sources.begin(), sources.end());
  for (std::int64_t d = 0; d < topology.num_devices(); ++d) {
    if (first.count(d) > 0) {
      room[source][d] = 1e15;
    } else {
      room[d][sink] = 1e15;
    }
  }
  for (double flow = 0;;) {
    std::map<std::int64_t, std::int64_t> before{{source, source}};
    std::queue<std::int64_t> open({source});
    while (!open.empty() && before.count(sink) == 0) {
      const std::int64_t at = open.front();
      open.pop();
      for (const auto& [next, left] : room[at]) {
        if (left > 1 && before.emplace(next, at).second) open.push(next);
      }
    }
    if (before.count(sink) == 0) return flow;
    double step = std::numeric_limits<double>::infinity();
    for (std::int64_t at = sink; at != source; at = before[at]) {
      step = std::min(step, room[before[at]][at]);
    }
    for (std::int64_t at = sink; at != source; at = before[at]) {
      room[before[at]][at] -= step;
      room[at][before[at]] += step;
    }
    flow += step;
  }
}

std::vector<std::int64_t> first_half(std::int64_t count) {
  std::vector<std::int64_t> half(static_cast<std::size_t>(count / 2));
  std::iota(half.begin(), half.end(), 0);
  return half;
}

// The bill's bisection, by rule, against the largest flow between halves on the graph.
TEST(Bisection, IsTheLargestFlowBetweenHalves) {
  const FabricSpec tree = fat_tree(4);
  FabricSpec tapered = fat_tree(4);
  tapered.core_oversubscription = 2;
  for (const ClusterSpec& cluster :
       {cluster_of(tree, 4), cluster_of(tree, 8), cluster_of(tree, 16),
        cluster_of(fat_tree(4, 1, FabricRouting::kEcmp), 16), cluster_of(tapered, 16),
        cluster_of(fat_tree(8, 3), 36), cluster_of(dragonfly(), 8), cluster_of(dragonfly(), 16),
        cluster_of(torus({6}), 6), cluster_of(torus({4, 4}), 16), cluster_of(torus({4, 2, 2}), 16),
        cluster_of(torus({2, 2}), 4)}) {
    const Topology topology(cluster);
    EXPECT_NEAR(topology.bill().bisection.value(), max_flow(topology, first_half(cluster.nodes)),
                10)
        << static_cast<int>(cluster.fabric.kind) << " of " << cluster.nodes;
  }
}

// 16 ends of 10 GB/s: 8 against 8.
TEST(FatTree, ThreeLevelsOfFourPortsCarryAllThatHalfTheEndsSend) {
  EXPECT_DOUBLE_EQ(network_bill(cluster_of(fat_tree(4), 16)).bisection.value(), 8 * kNic);
  EXPECT_DOUBLE_EQ(network_bill(cluster_of(fat_tree(4), 16)).bisection_share, 1);
}

TEST(FatTree, OversubscriptionDividesTheBisection) {
  for (const double over : {1.0, 2.0, 3.0}) {
    // 48 ports: 24, 32 or 36 of them down; 288 ends fill whole leaves of each.
    const ClusterSpec cluster = cluster_of(fat_tree(48, over), 288);
    EXPECT_NEAR(network_bill(cluster).bisection_share, 1 / over, 1e-12);
    EXPECT_NEAR(fabric_share(cluster, all_of(cluster)).nic.value(), kNic, 1);
  }
}

TEST(FatTree, TextbookCounts) {
  for (const std::int64_t k : {4, 8, 16}) {
    const NetworkBill bill = network_bill(cluster_of(fat_tree(k), k * k * k / 4));
    EXPECT_EQ(bill.switches, 5 * k * k / 4);
    EXPECT_EQ(bill.cables, 3 * k * k * k / 4);
    EXPECT_EQ(bill.switch_ports_used, bill.switch_ports);
  }
}

TEST(FatTree, CrossesTwoPortsInAPodAndFourBetweenPods) {
  const Topology topology(cluster_of(fat_tree(4), 16));
  EXPECT_EQ(fabric_hops(topology, 0, 1).size(), 0u);
  EXPECT_EQ(fabric_hops(topology, 0, 2).size(), 2u);
  EXPECT_EQ(fabric_hops(topology, 0, 15).size(), 4u);
}

// A flow has one up-link of one cable; spread, it may use the whole leaf's.
TEST(FatTree, EcmpGivesAFlowOneLinkAndTheLeafTheSameTotal) {
  const Topology spread(cluster_of(fat_tree(8), 32));
  const Topology hashed(cluster_of(fat_tree(8, 1, FabricRouting::kEcmp), 32));
  const auto bandwidth = [](const Topology& topology) {
    return topology.ports()[fabric_hops(topology, 0, 31).front()].bandwidth.value();
  };
  EXPECT_DOUBLE_EQ(bandwidth(spread), 4 * kNic);
  EXPECT_DOUBLE_EQ(bandwidth(hashed), kNic);
  EXPECT_EQ(spread.bill().switches, hashed.bill().switches);
  EXPECT_DOUBLE_EQ(spread.bill().bisection.value(), hashed.bill().bisection.value());
}

TEST(FatTree, EcmpUsesAllLinksOfALeaf) {
  const Topology topology(cluster_of(fat_tree(8, 1, FabricRouting::kEcmp), 32));
  std::set<std::int32_t> links;
  for (std::int64_t to = 4; to < 32; ++to) links.insert(fabric_hops(topology, 0, to).front());
  EXPECT_EQ(links.size(), 4u);
}

TEST(Dragonfly, IsAtMostLocalGlobalLocal) {
  const Topology topology(cluster_of(dragonfly(), 72));
  std::size_t longest = 0;
  for (std::int64_t from = 0; from < 72; ++from) {
    for (std::int64_t to = 0; to < 72; ++to) {
      const auto hops = fabric_hops(topology, from, to);
      longest = std::max(longest, hops.size());
      std::int64_t global = 0;
      for (const std::int32_t port : hops) {
        global += topology.ports()[port].name.find("to group") != std::string::npos ? 1 : 0;
      }
      EXPECT_EQ(global, from / 8 == to / 8 ? 0 : 1);
    }
  }
  EXPECT_EQ(longest, 3u);
}

TEST(Dragonfly, ValiantVisitsAThirdGroup) {
  const Topology topology(cluster_of(dragonfly(FabricRouting::kValiant), 72));
  for (std::int64_t to = 8; to < 72; ++to) {
    std::vector<std::string> groups;
    for (const std::int32_t port : fabric_hops(topology, 0, to)) {
      const std::string& name = topology.ports()[port].name;
      const std::size_t at = name.find("to group ");
      if (at != std::string::npos) groups.push_back(name.substr(at + 9));
    }
    ASSERT_EQ(groups.size(), 2u);
    EXPECT_NE(groups[0], "0");
    EXPECT_NE(groups[0], groups[1]);
    EXPECT_EQ(groups[1], std::to_string(to / 8));
    EXPECT_LE(fabric_hops(topology, 0, to).size(), 5u);
  }
}

// 9 groups of 4 switches: 6 local links a group, 36 global ones, 72 ends.
TEST(Dragonfly, CountsItsLinks) {
  const NetworkBill bill = network_bill(cluster_of(dragonfly(), 72));
  EXPECT_EQ(bill.switches, 36);
  EXPECT_EQ(bill.cables, 72 + 9 * 6 + 36);
  EXPECT_EQ(bill.switch_ports_used, bill.switch_ports);
}

// All of one group send to the next group: minimal routing has one link for eight ends.
TEST(Dragonfly, ADetourHelpsUnevenTrafficAndHurtsEvenTraffic) {
  const auto load_of_busiest = [](FabricRouting routing) {
    const Topology topology(cluster_of(dragonfly(routing), 72));
    std::map<std::int32_t, int> load;
    int most = 0;
    for (std::int64_t from = 0; from < 72; ++from) {
      for (const std::int32_t port : fabric_hops(topology, from, (from + 8) % 72)) {
        most = std::max(most, ++load[port]);
      }
    }
    return most;
  };
  EXPECT_EQ(load_of_busiest(FabricRouting::kMinimal), 8);
  EXPECT_LT(load_of_busiest(FabricRouting::kValiant), 8);
  const ClusterSpec minimal = cluster_of(dragonfly(), 72);
  const ClusterSpec valiant = cluster_of(dragonfly(FabricRouting::kValiant), 72);
  EXPECT_GT(fabric_share(minimal, all_of(minimal)).spread,
            fabric_share(valiant, all_of(valiant)).spread);
}

std::int64_t ring_distance(std::int64_t a, std::int64_t b, std::int64_t length) {
  const std::int64_t d = std::abs(a - b);
  return std::min(d, length - d);
}

TEST(Torus, RoutesAreAsLongAsTheManhattanDistanceAroundTheRings) {
  const Topology topology(cluster_of(torus({4, 3, 5}), 60));
  for (std::int64_t from = 0; from < 60; ++from) {
    for (std::int64_t to = 0; to < 60; ++to) {
      const std::int64_t distance = ring_distance(from / 15, to / 15, 4) +
                                    ring_distance(from / 5 % 3, to / 5 % 3, 3) +
                                    ring_distance(from % 5, to % 5, 5);
      EXPECT_EQ(static_cast<std::int64_t>(fabric_hops(topology, from, to).size()), distance);
    }
  }
}

TEST(Torus, ValiantGoesByAnotherNode) {
  const Topology minimal(cluster_of(torus({4, 4}), 16));
  const Topology valiant(cluster_of(torus({4, 4}, FabricRouting::kValiant), 16));
  std::size_t direct = 0;
  std::size_t detour = 0;
  for (std::int64_t from = 0; from < 16; ++from) {
    for (std::int64_t to = 0; to < 16; ++to) {
      direct += fabric_hops(minimal, from, to).size();
      detour += fabric_hops(valiant, from, to).size();
    }
  }
  EXPECT_GT(detour, direct * 3 / 2);
  EXPECT_LT(detour, direct * 5 / 2);
}

// Half of the traffic crosses the cut between halves of a ring of length d, which has 2 N/d links:
//   N^2/4 r/(N-1) = 2 N/d B, so that each of N endpoints sends at r = 8 B/d (N-1)/N.
TEST(Torus, AnEvenAllToAllRunsAtItsBisection) {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{4, 4, 4}, {8, 4}, {2, 2, 4}, {8}}) {
    const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1},
                                       std::multiplies<std::int64_t>());
    const ClusterSpec cluster = cluster_of(torus(shape), count);
    const auto n = static_cast<double>(count);
    const auto longest = static_cast<double>(*std::max_element(shape.begin(), shape.end()));
    EXPECT_NEAR(fabric_share(cluster, all_of(cluster)).spread.value(), 8e9 / longest * (n - 1) / n,
                1);
  }
}

// Six links of a router, in a box that fills the torus; one each way along a part of a ring.
TEST(Torus, RingsUseEveryLinkOfTheirBox) {
  ClusterSpec cluster = cluster_of(torus({4, 4, 4}), 64);
  EXPECT_DOUBLE_EQ(fabric_share(cluster, all_of(cluster)).ring.value(), 6e9);
  const std::vector<std::int64_t> plane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  EXPECT_DOUBLE_EQ(fabric_share(cluster, plane).ring.value(), 4e9);
  const std::vector<std::int64_t> half_row = {0, 1};
  EXPECT_DOUBLE_EQ(fabric_share(cluster, half_row).ring.value(), 1e9);
  const std::vector<std::int64_t> scattered = {0, 5, 10};  // No box: one ring, links shared.
  EXPECT_LE(fabric_share(cluster, scattered).ring.value(), 1e9);
}

// A pod of TPU v5p is 16 x 20 x 28 chips.
TEST(Torus, IsAsCubicAsItsSizeAllows) {
  FabricSpec fabric = torus({});
  fabric.dimensions = 3;
  const NetworkBill pod = network_bill(cluster_of(fabric, 8960));
  EXPECT_DOUBLE_EQ(pod.bisection.value(), 2.0 * 16 * 20 * 1e9);
  EXPECT_EQ(pod.cables, 3 * 8960);
  EXPECT_EQ(pod.switches, 0);
  EXPECT_EQ(network_bill(cluster_of(fabric, 7)).cables, 7);  // A ring.
}

TEST(FabricShare, IsTheNicWhereNothingBlocks) {
  for (const char* fabric : {"rail-fat-tree", "fat-tree"}) {
    const ClusterSpec cluster{load_node("dgx-h100"), 64, load_fabric(fabric)};
    const FabricShare share = fabric_share(cluster, all_of(cluster));
    EXPECT_EQ(share.ring, share.nic);
    EXPECT_EQ(share.spread, share.nic);
  }
}

// Nine leaves of 32 ends with 16 up-links each. A ring in order leaves each of them once; of an
// all-to-all 256 of 287 parts do.
TEST(FabricShare, OversubscriptionHurtsAnAllToAllAndNotARing) {
  const ClusterSpec cluster = cluster_of(fat_tree(48, 2), 288);
  const FabricShare share = fabric_share(cluster, all_of(cluster));
  EXPECT_EQ(share.ring, share.nic);
  EXPECT_NEAR(share.spread.value(), 0.5 * kNic * 287 / 256, 1);
}

TEST(FabricShare, HashedFlowsCollideAndSpreadOnesDoNot) {
  const ClusterSpec spread = cluster_of(fat_tree(8), 32);
  const ClusterSpec hashed = cluster_of(fat_tree(8, 1, FabricRouting::kEcmp), 32);
  std::vector<std::int64_t> across;  // Neighbours always on another leaf: all flows go up.
  for (std::int64_t i = 0; i < 32; ++i) across.push_back(i % 8 * 4 + i / 8);
  EXPECT_DOUBLE_EQ(fabric_share(spread, across).ring.value(), kNic);
  EXPECT_LE(fabric_share(hashed, across).ring.value(), kNic / 2);
  EXPECT_GE(fabric_share(hashed, across).ring.value(), kNic / 4);
}

TEST(FabricShare, NeverPassesTheNic) {
  for (const ClusterSpec& cluster : one_of_each()) {
    const FabricShare share = fabric_share(cluster, all_of(cluster));
    for (const BytesPerSecond one : {share.ring, share.spread}) {
      EXPECT_GT(one.value(), 0);
      EXPECT_LE(one, share.nic);
    }
  }
}

// Sampled shifts of a large group come close to what all of them give.
TEST(FabricShare, OfALargeGroupIsSampled) {
  const ClusterSpec cluster = cluster_of(torus({16, 16, 8}), 2048);
  const double whole = 8e9 / 16 * 2047 / 2048;
  EXPECT_NEAR(fabric_share(cluster, all_of(cluster)).spread.value(), whole, 0.05 * whole);
}

// What is stored grows with the devices: never with their pairs.
TEST(Fabric, StoresAFixedNumberOfPartsPerDevice) {
  const auto parts = [](const std::string& node, const char* fabric, std::int64_t devices) {
    ClusterSpec cluster{load_node(node), 1, load_fabric(fabric)};
    cluster.nodes = devices / cluster.node.devices;
    const Topology topology(cluster);
    const auto count = static_cast<double>(topology.num_vertices()) +
                       static_cast<double>(topology.wires().size() + topology.ports().size());
    return count / static_cast<double>(devices);
  };
  for (const auto& [node, fabric] : {std::pair{"dgx-h100", "rail-fat-tree"},
                                     {"dgx-h100", "roce-fat-tree-7to1"},
                                     {"dgx-h100", "slingshot-400-dragonfly"},
                                     {"tpu-v5p-1x", "torus-3d"}}) {
    const double small = parts(node, fabric, 2048);
    EXPECT_NEAR(parts(node, fabric, 16384), small, 0.15 * small) << fabric;
    EXPECT_LT(small, 40) << fabric;
  }
}

}  // namespace
}  // namespace moesim
