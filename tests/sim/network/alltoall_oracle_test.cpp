// Law L11: the formula of an all-to-all against all its flows in the Engine.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include "hardware/network/fabric_links.h"
#include "sim/events/engine.h"
#include "sim/network/collectives.h"
#include "tests/sim/in_child.h"

namespace moesim {
namespace {

using Matrix = std::vector<std::vector<double>>;  // [from][to] bytes

// Links without latency, loss or ramp, so that only the sharing of ports is compared.
ClusterSpec ideal_cluster(std::int64_t nodes, std::int64_t per_node) {
  ClusterSpec cluster;
  cluster.nodes = nodes;
  cluster.node.devices = per_node;
  cluster.node.device.link_domain = per_node;
  cluster.node.device.link_bandwidth = BytesPerSecond(450e9);
  if (nodes > 1) {
    cluster.node.nics = per_node;
    cluster.node.nic_bandwidth = BytesPerSecond(50e9);
    cluster.fabric.kind = FabricKind::kRailFatTree;
    cluster.fabric.switch_ports = 64;
  }
  return cluster;
}

Matrix balanced(std::int64_t size) {
  return Matrix(size, std::vector<double>(size, 1e6));
}

Matrix skewed(std::int64_t size, double sigma) {
  std::mt19937_64 engine(7);
  boost::random::normal_distribution<double> normal(0, sigma);
  Matrix bytes = balanced(size);
  for (auto& row : bytes) {
    for (double& cell : row) cell = std::ceil(1e6 * std::exp(normal(engine)));
  }
  return bytes;
}

// Everyone's favourite is device 0.
Matrix incast(std::int64_t size) {
  Matrix bytes = balanced(size);
  for (auto& row : bytes) row[0] = 10e6;
  return bytes;
}

// Bytes on every port. The formula takes the fullest of each class, whichever member it belongs to.
PortLoads port_loads(const Topology& topology, const Matrix& bytes) {
  std::vector<double> load(topology.ports().size());
  for (std::size_t from = 0; from < bytes.size(); ++from) {
    for (std::size_t to = 0; to < bytes.size(); ++to) {
      for (const std::int32_t port : topology.route(from, to)) load[port] += bytes[from][to];
    }
  }
  PortLoads loads;
  for (std::size_t port = 0; port < load.size(); ++port) {
    const PortClass kind = topology.ports()[port].port_class;
    if (kind == PortClass::kScaleUp) loads.scale_up_out.push_back(load[port]);
    if (kind == PortClass::kNic) loads.scale_out_out.push_back(load[port]);
  }
  return loads;
}

// The end of the last flow and the peak share of a port.
std::vector<double> flows_in_the_engine(const Topology& topology, const Matrix& bytes,
                                        const LinkSpeeds& speeds = {}) {
  return in_child([&] {
    Engine engine(topology);
    const auto fabric =
        std::count_if(topology.ports().begin(), topology.ports().end(),
                      [](const Port& port) { return port.port_class == PortClass::kFabric; });
    const auto first = static_cast<std::int32_t>(std::ssize(topology.ports()) - fabric);
    for (const auto& [port, speed] : speeds.fabric) engine.set_port_speed(first + port, speed);
    for (std::size_t from = 0; from < bytes.size(); ++from) {
      for (std::size_t to = 0; to < bytes.size(); ++to) {
        if (from != to) engine.transfer(from, to, Bytes(bytes[from][to]), Seconds(0), [] {});
      }
    }
    engine.run();
    return std::vector<double>{engine.now().value(), engine.peak_port_share()};
  });
}

void expect_agreement(const ClusterSpec& cluster, const Matrix& bytes) {
  const Topology topology(cluster);
  std::vector<std::int64_t> devices;
  for (std::int64_t i = 0; i < cluster.num_devices(); ++i) devices.push_back(i);
  const CommGroup group = make_group(cluster, devices);
  // A group's own cost without bytes is the kernel's and no port's.
  const Seconds fixed = all_to_all(group, {});
  const double formula = (all_to_all(group, port_loads(topology, bytes)) - fixed).value();
  const std::vector<double> flows = flows_in_the_engine(topology, bytes);
  ASSERT_EQ(flows.size(), 2);
  // The fullest port cannot be beaten; how much worse the flows do is what the law bounds.
  EXPECT_GE(flows[0], formula * (1 - 1e-9));
  EXPECT_LE(flows[0], formula * 1.03);
  EXPECT_LE(flows[1], 1 + 1e-9);
  EXPECT_GT(flows[1], 1 - 1e-9);
}

class AllToAllOracle : public testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {
 protected:
  ClusterSpec cluster() const { return ideal_cluster(GetParam().first, GetParam().second); }
  std::int64_t size() const { return GetParam().first * GetParam().second; }
};

TEST_P(AllToAllOracle, AgreesOnBalancedTraffic) {
  expect_agreement(cluster(), balanced(size()));
}

TEST_P(AllToAllOracle, AgreesOnSkewedTraffic) {
  expect_agreement(cluster(), skewed(size(), 1));
  expect_agreement(cluster(), skewed(size(), 2));
}

TEST_P(AllToAllOracle, AgreesOnIncast) {
  expect_agreement(cluster(), incast(size()));
}

// Sixteen nodes of one device on fabrics that block: even traffic, of which the fabric's ports are
// the fullest.
ClusterSpec blocking_cluster(FabricKind kind) {
  ClusterSpec cluster = ideal_cluster(16, 1);
  FabricSpec& fabric = cluster.fabric;
  fabric.kind = kind;
  fabric.port_bandwidth = BytesPerSecond(kind == FabricKind::kTorus ? 5e9 : 50e9);
  fabric.switch_ports = 8;
  if (kind == FabricKind::kFatTree) {
    fabric.oversubscription = 3;  // Leaves of six with two up-links.
    cluster.nodes = 12;
  } else {
    fabric.routing = FabricRouting::kMinimal;
    fabric.dimensions = 2;
    fabric.endpoint_ports = 2;
    fabric.group_switches = 2;
    fabric.switch_ports = 4;  // One global port a switch: three groups.
    if (kind == FabricKind::kDragonfly) cluster.nodes = 12;
  }
  return cluster;
}

TEST(BlockingFabric, AgreesWithItsFlows) {
  for (const FabricKind kind : {FabricKind::kFatTree, FabricKind::kDragonfly, FabricKind::kTorus}) {
    const ClusterSpec cluster = blocking_cluster(kind);
    std::vector<std::int64_t> devices;
    for (std::int64_t i = 0; i < cluster.num_devices(); ++i) devices.push_back(i);
    EXPECT_LT(make_group(cluster, devices).fabric.spread, BytesPerSecond(45e9));
    expect_agreement(cluster, balanced(cluster.num_devices()));
  }
}

// One link of each at a quarter of its speed, named as a scenario does.
TEST(BlockingFabric, WithASlowLinkAgreesWithItsFlows) {
  const std::map<FabricKind, std::string> names = {
      {FabricKind::kFatTree, "leaf 1"},
      {FabricKind::kDragonfly, "group 0 switch 1 to group 2"},
      {FabricKind::kTorus, "torus 1,2 axis 1 up"}};
  for (const auto& [kind, name] : names) {
    const ClusterSpec cluster = blocking_cluster(kind);
    LinkSpeeds speeds;
    for (const std::int32_t port : FabricLinks(cluster).named(name)) speeds.fabric[port] = 0.25;
    EXPECT_EQ(speeds.fabric.size(), 2u) << name;
    std::vector<std::int64_t> devices(static_cast<std::size_t>(cluster.num_devices()));
    std::iota(devices.begin(), devices.end(), 0);
    const CommGroup group = make_group(cluster, devices, speeds);
    EXPECT_LT(group.fabric.spread, 0.6 * make_group(cluster, devices).fabric.spread) << name;
    const Topology topology(cluster);
    const Matrix bytes = balanced(cluster.num_devices());
    const Seconds fixed = all_to_all(group, {});
    const double formula = (all_to_all(group, port_loads(topology, bytes)) - fixed).value();
    const std::vector<double> flows = flows_in_the_engine(topology, bytes, speeds);
    EXPECT_GE(flows.at(0), formula * (1 - 1e-9)) << name;
    EXPECT_LE(flows.at(0), formula * 1.03) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(NodesAndDevices, AllToAllOracle,
                         testing::Values(std::pair{1, 4}, std::pair{1, 8}, std::pair{1, 16},
                                         std::pair{2, 4}, std::pair{2, 8}, std::pair{4, 4}),
                         [](const auto& test) {
                           return std::to_string(test.param.first) + "x" +
                                  std::to_string(test.param.second);
                         });

}  // namespace
}  // namespace moesim
