#include "hardware/network/topology.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "hardware/read/profiles.h"

namespace moesim {
namespace {

ClusterSpec cluster_of(const std::string& node, std::int64_t nodes, const std::string& fabric) {
  return {load_node(node), nodes, load_fabric(fabric)};
}

std::vector<std::string> names_on(const Topology& topology, std::int64_t from, std::int64_t to) {
  std::vector<std::string> names;
  for (std::int32_t port : topology.route(from, to)) {
    names.push_back(topology.ports()[static_cast<std::size_t>(port)].name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(Topology, SameNodeUsesTheTwoScaleUpPorts) {
  const Topology topology(cluster_of("dgx-h100", 1, "none"));
  EXPECT_EQ(names_on(topology, 2, 5),
            (Names{"node 0 gpu 2 scale-up out", "node 0 gpu 5 scale-up in"}));
  EXPECT_DOUBLE_EQ(topology.route_bandwidth(2, 5).value(), 450e9);
}

TEST(Topology, OneNodeHasTwoPortsPerDeviceAndNoSwitches) {
  const Topology topology(cluster_of("dgx-h100", 1, "none"));
  EXPECT_EQ(topology.ports().size(), 16u);
  EXPECT_EQ(topology.num_fabric_switches(), 0);
  EXPECT_EQ(topology.num_optic_ends(), 0);
}

TEST(Topology, SameRailUsesTheTwoNics) {
  const Topology topology(cluster_of("dgx-h100", 2, "rail-fat-tree"));
  EXPECT_EQ(names_on(topology, 3, 11), (Names{"node 0 nic 3 out", "node 1 nic 3 in"}));
  EXPECT_DOUBLE_EQ(topology.route_bandwidth(3, 11).value(), 50e9);
}

TEST(Topology, CrossRailGoesOverNvlinkToTheRightRailFirst) {
  const Topology topology(cluster_of("dgx-h100", 2, "rail-fat-tree"));
  EXPECT_EQ(names_on(topology, 0, 11),
            (Names{"node 0 gpu 0 scale-up out", "node 0 gpu 3 scale-up in", "node 0 nic 3 out",
                   "node 1 nic 3 in"}));
}

TEST(Topology, FatTreeSendsCrossRailThroughTheNetwork) {
  const Topology topology(cluster_of("dgx-h100", 2, "fat-tree"));
  EXPECT_EQ(names_on(topology, 0, 11), (Names{"node 0 nic 0 out", "node 1 nic 3 in"}));
}

// 32 NICs fit on a leaf of 64 ports with 32 up-links: nodes 0 to 3 on leaf 0, node 4 on leaf 1.
TEST(Topology, OtherLeafGoesThroughTheSpine) {
  const Topology topology(cluster_of("dgx-h100", 9, "fat-tree"));
  EXPECT_EQ(names_on(topology, 0, 24), (Names{"node 0 nic 0 out", "node 3 nic 0 in"}));
  EXPECT_EQ(names_on(topology, 0, 32),
            (Names{"node 0 nic 0 out", "leaf 0 up", "leaf 1 down", "node 4 nic 0 in"}));
}

// 2:1 over 64 ports: 42 NICs down; 42 x 50 GB/s / 2 up.
TEST(Topology, OversubscriptionNarrowsTheUpLinks) {
  const Topology topology(cluster_of("dgx-h100", 12, "fat-tree-2to1"));
  const auto& ports = topology.ports();
  const auto up = std::find_if(ports.begin(), ports.end(),
                               [](const Port& port) { return port.name == "leaf 0 up"; });
  ASSERT_NE(up, ports.end());
  EXPECT_DOUBLE_EQ(up->bandwidth.value(), 42 * 50e9 / 2);
}

TEST(Topology, MeshHasAPortPerPair) {
  const Topology topology(cluster_of("mi300x-8x", 1, "none"));
  EXPECT_EQ(topology.ports().size(), 56u);
  EXPECT_EQ(names_on(topology, 1, 6), (Names{"node 0 gpu 1 to gpu 6"}));
  EXPECT_DOUBLE_EQ(topology.route_bandwidth(1, 6).value(), 64e9);
}

TEST(Topology, PcieGoesThroughTheHostPorts) {
  const Topology topology(cluster_of("l40s-8x", 2, "rail-fat-tree"));
  EXPECT_EQ(names_on(topology, 0, 7), (Names{"node 0 gpu 0 host out", "node 0 gpu 7 host in"}));
  EXPECT_DOUBLE_EQ(topology.route_bandwidth(0, 7).value(), 32e9);
}

// Eight cards share two NICs: cards 0 to 3 use NIC 0.
TEST(Topology, CardsThatShareANicShareItsPort) {
  const Topology topology(cluster_of("l40s-8x", 2, "rail-fat-tree"));
  EXPECT_EQ(names_on(topology, 0, 9), (Names{"node 0 gpu 0 host out", "node 0 nic 0 out",
                                             "node 1 nic 0 in", "node 1 gpu 1 host in"}));
  EXPECT_EQ(topology.route(0, 8)[1], topology.route(3, 11)[1]);
  EXPECT_NE(topology.route(0, 8)[1], topology.route(4, 12)[1]);
}

// H100 NVL cards are bridged in pairs: 0-1, 2-3, ...
TEST(Topology, BeyondTheBridgeIsPcie) {
  const Topology topology(cluster_of("h100-nvl-8x", 1, "none"));
  EXPECT_DOUBLE_EQ(topology.route_bandwidth(0, 1).value(), 300e9);
  EXPECT_DOUBLE_EQ(topology.route_bandwidth(1, 2).value(), 64e9);
}

// Three 100 Gb/s NICs of one Gaudi 2 act as one of 300 Gb/s.
TEST(Topology, SeveralNicsOfADeviceActAsOne) {
  const Topology topology(cluster_of("gaudi-2-8x", 2, "rail-fat-tree"));
  EXPECT_DOUBLE_EQ(topology.route_bandwidth(0, 8).value(), 37.5e9);
}

TEST(Topology, IncastSharesThePortOfTheDestination) {
  const Topology topology(cluster_of("dgx-h100", 1, "none"));
  std::set<std::int32_t> last;
  for (std::int64_t from = 1; from < 8; ++from) last.insert(topology.route(from, 0).back());
  EXPECT_EQ(last.size(), 1u);
}

TEST(Topology, ADeviceToItselfUsesNothing) {
  const Topology topology(cluster_of("dgx-h100", 1, "none"));
  EXPECT_TRUE(topology.route(4, 4).empty());
}

TEST(Topology, RoutesUseEachPortOnceAndOnlyOfTheTwoNodes) {
  for (const char* fabric : {"rail-fat-tree", "fat-tree"}) {
    for (const char* node : {"dgx-h100", "mi300x-8x", "l40s-8x", "h100-nvl-8x", "gb200-nvl72"}) {
      const Topology topology(cluster_of(node, 3, fabric));
      for (std::int64_t from = 0; from < topology.num_devices(); from += 5) {
        for (std::int64_t to = 0; to < topology.num_devices(); to += 3) {
          if (from == to) continue;
          const auto& route = topology.route(from, to);
          EXPECT_EQ(std::set(route.begin(), route.end()).size(), route.size());
          const std::string start = "node " + std::to_string(topology.node_of(from)) + " ";
          const std::string end = "node " + std::to_string(topology.node_of(to)) + " ";
          for (const std::string& name : names_on(topology, from, to)) {
            EXPECT_TRUE(name.starts_with(start) || name.starts_with(end) ||
                        name.starts_with("leaf ") || name.starts_with("pod "))
                << name;
          }
        }
      }
    }
  }
}

// 2 nodes x 8 NICs fit on one switch: 16 cables.
TEST(FabricSwitches, ASmallClusterNeedsOne) {
  const Topology topology(cluster_of("dgx-h100", 2, "rail-fat-tree"));
  EXPECT_EQ(topology.num_fabric_switches(), 1);
  EXPECT_EQ(topology.num_optic_ends(), 32);
}

// 32 nodes: 8 rails x 1 leaf of 32, 256 up-links on 4 spines; 256 cables down and 256 up.
TEST(FabricSwitches, AScalableUnitNeedsEightLeavesAndFourSpines) {
  const Topology topology(cluster_of("dgx-h100", 32, "rail-fat-tree"));
  EXPECT_EQ(topology.num_fabric_switches(), 8 + 4);
  EXPECT_EQ(topology.num_optic_ends(), 2 * (256 + 256));
}

// The textbook three-level fat tree of k = 64: k^3/4 ends, 5/4 k^2 switches.
TEST(FabricSwitches, ThreeLevelsOf64PortsReach65536Ends) {
  const Topology topology(cluster_of("dgx-h100", 8192, "rail-fat-tree"));
  EXPECT_EQ(topology.num_devices(), 65536);
  EXPECT_EQ(topology.num_fabric_switches(), 5120);
  EXPECT_EQ(topology.num_optic_ends(), 2 * 3 * 65536);
}

// An 800 Gb/s NIC takes two ports of a 400 Gb/s switch: 2 nodes x 8 NICs x 2.
TEST(FabricSwitches, AFastNicTakesTwoPorts) {
  const Topology topology(cluster_of("hgx-b300", 2, "rail-fat-tree"));
  EXPECT_EQ(topology.num_optic_ends(), 2 * 32);
}

TEST(Topology, RefusesWhatCannotBeWired) {
  EXPECT_THROW(Topology(cluster_of("dgx-h100", 2, "none")), std::invalid_argument);
  EXPECT_THROW(Topology(cluster_of("workstation-rtx-4090", 2, "fat-tree")), std::invalid_argument);
  EXPECT_THROW(Topology(cluster_of("dgx-h100", 1'000'000, "fat-tree")), std::invalid_argument);
  ClusterSpec odd = cluster_of("dgx-h100", 2, "fat-tree");
  odd.node.nics = 3;
  EXPECT_THROW(Topology{odd}, std::invalid_argument);
  odd.node.nics = 8;
  odd.fabric.switch_ports = 2;
  EXPECT_THROW(Topology{odd}, std::invalid_argument);
  ClusterSpec wide = cluster_of("mi300x-8x", 1, "none");
  wide.node.devices = 72;
  EXPECT_THROW(Topology{wide}, std::invalid_argument);
}

}  // namespace
}  // namespace moesim
