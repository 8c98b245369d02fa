// What cannot be wired is told by name before anything is built.
#include "hardware/network/cluster_check.h"

#include <gtest/gtest.h>

#include "hardware/network/topology.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

ClusterSpec cluster_of(const std::string& node, std::int64_t nodes, const std::string& fabric) {
  return {load_node(node), nodes, load_fabric(fabric)};
}

// The word that the only fault is about; "" if there is none. What has a fault cannot be built.
std::string faulty_word(const ClusterSpec& cluster) {
  const auto faults = cluster_faults(cluster);
  EXPECT_LE(faults.size(), 1u);
  if (faults.empty()) {
    EXPECT_NO_THROW(Topology{cluster});
    return "";
  }
  EXPECT_NE(faults.front().value, "");
  EXPECT_NE(faults.front().allowed, "");
  EXPECT_THROW(Topology{cluster}, std::invalid_argument);
  return faults.front().path;
}

TEST(ClusterFaults, EveryShippedFabricJoinsAThousandDevicesOfItsKind) {
  for (const std::string& name : profile_names("fabrics")) {
    const FabricSpec fabric = load_fabric(name);
    if (fabric.kind == FabricKind::kNone) continue;
    const char* node = fabric.kind == FabricKind::kTorus ? "tpu-v5p-1x" : "dgx-h100";
    ClusterSpec cluster{load_node(node), 1, fabric};
    cluster.nodes = 1024 / cluster.node.devices;
    EXPECT_EQ(faulty_word(cluster), "") << name;
  }
}

// 64 ports: 2048 NICs in two levels, 65,536 in three.
TEST(ClusterFaults, ARadixTooSmallForTheNodes) {
  ClusterSpec cluster = cluster_of("dgx-h100", 256, "fat-tree");
  cluster.fabric.levels = 2;
  EXPECT_EQ(faulty_word(cluster), "");
  cluster.nodes = 257;
  EXPECT_EQ(faulty_word(cluster), "nodes");
  cluster.fabric.levels = 3;
  EXPECT_EQ(faulty_word(cluster), "");
  cluster.nodes = 8192;
  EXPECT_EQ(faulty_word(cluster), "");
  cluster.nodes = 8193;
  EXPECT_EQ(faulty_word(cluster), "nodes");
}

TEST(ClusterFaults, ANicThatTakesMorePortsThanALeafHas) {
  ClusterSpec cluster = cluster_of("dgx-h100", 2, "fat-tree");
  cluster.fabric.port_bandwidth = BytesPerSecond(1e9);  // 50 cables a NIC.
  EXPECT_EQ(faulty_word(cluster), "fabric");
  cluster.fabric.switch_ports = 0;
  EXPECT_EQ(faulty_word(cluster), "fabric");
}

// 64 - 16 - 48 + 1 ports leave one global port a switch; one more local link leaves none.
TEST(ClusterFaults, ADragonflyWithoutGlobalPortsIsDisconnected) {
  ClusterSpec cluster = cluster_of("dgx-h100", 100, "slingshot-400-dragonfly");
  cluster.fabric.group_switches = 48;
  EXPECT_EQ(faulty_word(cluster), "");
  cluster.fabric.group_switches = 49;
  EXPECT_EQ(faulty_word(cluster), "fabric");
  cluster.nodes = 90;  // 720 NICs fit into one group.
  EXPECT_EQ(faulty_word(cluster), "");
  cluster.fabric.endpoint_ports = 0;
  EXPECT_EQ(faulty_word(cluster), "fabric");
}

// 2 x 3 + 2 ports and groups of 4 with 8 global links: nine groups of eight NICs.
TEST(ClusterFaults, ADragonflyHasALargestSize) {
  ClusterSpec cluster = cluster_of("dgx-h100", 9, "slingshot-400-dragonfly");
  cluster.fabric.switch_ports = 7;
  cluster.fabric.endpoint_ports = 2;
  cluster.fabric.group_switches = 4;
  EXPECT_EQ(faulty_word(cluster), "");
  cluster.nodes = 10;
  EXPECT_EQ(faulty_word(cluster), "nodes");
}

TEST(ClusterFaults, ATorusWhoseLengthsDoNotMultiplyToTheNodes) {
  ClusterSpec cluster = cluster_of("tpu-v5p-1x", 64, "torus-3d");
  cluster.fabric.shape = {4, 4, 4};
  EXPECT_EQ(faulty_word(cluster), "");
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{4, 4, 3}, {8, 8}, {4, 4, 4, 1}, {64, 1, 2}}) {
    cluster.fabric.shape = shape;
    EXPECT_EQ(faulty_word(cluster), "shape");
  }
}

TEST(ClusterFaults, ARoutingThatTheFabricHasNoChoicesFor) {
  ClusterSpec tree = cluster_of("dgx-h100", 2, "fat-tree");
  tree.fabric.routing = FabricRouting::kValiant;
  EXPECT_EQ(faulty_word(tree), "routing");
  ClusterSpec torus = cluster_of("tpu-v5p-1x", 8, "torus-3d");
  torus.fabric.routing = FabricRouting::kEcmp;
  EXPECT_EQ(faulty_word(torus), "routing");
  torus.fabric.routing = FabricRouting::kValiant;
  EXPECT_EQ(faulty_word(torus), "");
  torus.nodes = 2;
  EXPECT_EQ(faulty_word(torus), "routing");
  ClusterSpec dragonfly = cluster_of("dgx-h100", 128, "slingshot-400-dragonfly");
  dragonfly.fabric.routing = FabricRouting::kValiant;  // Two groups of 512: no third.
  EXPECT_EQ(faulty_word(dragonfly), "routing");
  dragonfly.nodes = 129;
  EXPECT_EQ(faulty_word(dragonfly), "");
}

TEST(ClusterFaults, NodesThatCannotBeJoined) {
  EXPECT_EQ(faulty_word(cluster_of("workstation-rtx-4090", 2, "fat-tree")), "node");
  EXPECT_EQ(faulty_word(cluster_of("dgx-h100", 2, "none")), "fabric");
  ClusterSpec dark = cluster_of("dgx-h100", 2, "fat-tree");
  dark.node.nic_bandwidth = BytesPerSecond(0);
  EXPECT_EQ(faulty_word(dark), "node");
}

}  // namespace
}  // namespace moesim
