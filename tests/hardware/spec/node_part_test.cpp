// A part of a node has what belongs to its devices.
#include <gtest/gtest.h>

#include "hardware/network/topology.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

TEST(NodePart, HasTheShareOfTheHostAndTheNicsOfItsDevices) {
  const NodeSpec whole = load_node("dgx-h200");  // Eight devices, eight NICs.
  const NodeSpec half = part_of(whole, 4);
  EXPECT_EQ(half.devices, 4);
  EXPECT_EQ(half.wired_devices(), 8);
  EXPECT_EQ(half.nics, 4);
  EXPECT_DOUBLE_EQ(half.host_idle.value(), whole.host_idle.value() / 2);
  EXPECT_DOUBLE_EQ(half.host_busy.value(), whole.host_busy.value() / 2);
  EXPECT_EQ(part_of(whole, 8).whole_devices, 0);
}

// Of two NICs that four devices share each, the first belongs to devices 0 to 3.
TEST(NodePart, KeepsASharedNicWhole) {
  const NodeSpec whole = load_node("a100-pcie-8x");
  ASSERT_EQ(whole.nics, 2);
  EXPECT_EQ(part_of(whole, 1).nics, 1);
  EXPECT_EQ(part_of(whole, 4).nics, 1);
  EXPECT_EQ(part_of(whole, 5).nics, 2);
  EXPECT_NO_THROW(Topology({part_of(whole, 5)}));
}

// A link of the mesh joins two devices: those of absent devices carry nothing.
TEST(NodePart, AMeshKeepsTheLinksAmongItsDevices) {
  const ClusterSpec whole{load_node("mi300x-8x")};
  const ClusterSpec half{part_of(whole.node, 4)};
  EXPECT_EQ(Topology(half).ports().size(), 4u * 3);
  EXPECT_EQ(Topology(half).route_bandwidth(0, 3), Topology(whole).route_bandwidth(0, 3));
}

// Bridges join devices 0 and 1, 2 and 3, ...: the third of three has none.
TEST(NodePart, ADomainIsCutByPosition) {
  const ClusterSpec whole{load_node("h100-nvl-8x")};
  ASSERT_EQ(whole.node.device.link_domain, 2);
  const Topology three(ClusterSpec{part_of(whole.node, 3)});
  EXPECT_EQ(three.route_bandwidth(0, 1), whole.node.device.link_bandwidth);
  EXPECT_EQ(three.route_bandwidth(1, 2), whole.node.device.host_bandwidth);
}

}  // namespace
}  // namespace moesim
