// The algorithm of an all-reduce, chosen by size or by the scenario.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "hardware/read/profiles.h"
#include "sim/network/collectives.h"
#include "sim/network/stage_collectives.h"
#include "tests/sim/ideal_cluster.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

constexpr Bytes kGigabyte{1e9};
constexpr double kExact = 1e-12;

// With a switch that reduces, and a kernel that starts after 8 us.
ClusterSpec cluster_of(std::int64_t nodes) {
  ClusterSpec cluster = made::ideal_cluster(nodes);
  LinkTechnology& link = cluster.node.device.link_technology;
  link.name = "made-link";
  link.in_switch_reduction = true;
  link.graph_start = Seconds(8e-6);
  link.graph_efficiency = 0.5;
  return cluster;
}

CommGroup group_of(const ClusterSpec& cluster, std::int64_t size) {
  std::vector<std::int64_t> devices;
  for (std::int64_t i = 0; i < size; ++i) devices.push_back(i);
  return make_group(cluster, devices);
}

constexpr AllReduce kLibrarys[] = {AllReduce::kRing, AllReduce::kTree, AllReduce::kNvls,
                                   AllReduce::kNvlsTree};
constexpr AllReduce kKernels[] = {AllReduce::kOneShot, AllReduce::kTwoShot};

TEST(AllReduceChoice, OfOneNodeIsItsFormula) {
  const CommGroup eight = group_of(cluster_of(1), 8);
  const auto time = [&](AllReduce choice) {
    const CollectiveCost cost = all_reduce(eight, kGigabyte, choice);
    EXPECT_EQ(cost.algorithm, choice);
    return cost.time.value();
  };
  EXPECT_NEAR(time(AllReduce::kRing), 5e-6 + 14e-6 + 17.5e-3, kExact);
  EXPECT_NEAR(time(AllReduce::kNvls), 5e-6 + 14e-6 + 10e-3, kExact);
  EXPECT_NEAR(time(AllReduce::kOneShot), 8e-6 + 7e9 / 50e9, kExact);
  EXPECT_NEAR(time(AllReduce::kTwoShot), 8e-6 + 1.75e9 / 50e9, kExact);
  // Of a byte nothing but latency is left; the members of a graph wait for each other.
  EXPECT_NEAR(all_reduce(eight, Bytes(1), AllReduce::kOneShot).time.value(), 8e-6, 1e-9);
  EXPECT_NEAR(all_reduce(eight, Bytes(1), AllReduce::kRing).time.value(), 19e-6, 1e-9);
}

// Four nodes: 6 steps and 3/2 of an eighth around the ring, 4 steps and twice an eighth in trees.
TEST(AllReduceChoice, BetweenNodesIsItsFormula) {
  ClusterSpec cluster = cluster_of(4);
  const CommGroup group = group_of(cluster, 32);
  const auto time = [&](AllReduce choice) {
    return all_reduce(group, kGigabyte, choice).time.value();
  };
  EXPECT_NEAR(time(AllReduce::kRing), 20e-6 + 14e-6 + 18e-6 + 18.75e-3, kExact);
  EXPECT_NEAR(time(AllReduce::kNvls), time(AllReduce::kRing), kExact);  // The NICs set the pace.
  EXPECT_NEAR(time(AllReduce::kTree), 20e-6 + 14e-6 + 12e-6 + 25e-3, kExact);
  EXPECT_NEAR(time(AllReduce::kNvlsTree), time(AllReduce::kTree), kExact);
}

TEST(AllReduceChoice, AutoIsTheFastestThatTheGroupCanRun) {
  std::vector<AllReduce> seen;
  for (const std::int64_t size : {2, 3, 8, 16, 24, 64}) {
    const CommGroup group = group_of(cluster_of(8), size);
    for (double bytes = 1; bytes < 1e11; bytes *= 3) {
      const CollectiveCost chosen = all_reduce(group, Bytes(bytes));
      Seconds library(1e9), any(1e9);
      for (const AllReduce way : kLibrarys) {
        if (!all_reduce_fault(group, way).empty()) continue;
        library = std::min(library, library_all_reduce(group, Bytes(bytes), way).time);
        any = std::min(any, all_reduce(group, Bytes(bytes), way).time);
      }
      for (const AllReduce way : kKernels) {
        if (!all_reduce_fault(group, way).empty()) continue;
        any = std::min(any, all_reduce(group, Bytes(bytes), way).time);
      }
      EXPECT_EQ(library_all_reduce(group, Bytes(bytes)).time, library) << size << " " << bytes;
      EXPECT_EQ(chosen.time, any) << size << " " << bytes;
      EXPECT_EQ(all_reduce(group, Bytes(bytes), chosen.algorithm).time, any);
      seen.push_back(chosen.algorithm);
    }
  }
  for (const AllReduce way :
       {AllReduce::kRing, AllReduce::kTree, AllReduce::kNvls, AllReduce::kTwoShot}) {
    EXPECT_NE(std::find(seen.begin(), seen.end(), way), seen.end()) << static_cast<int>(way);
  }
}

TEST(AllReduceChoice, SaysWhatTheLinksCannotDo) {
  const auto fault = [](const ClusterSpec& cluster, std::int64_t size, AllReduce choice) {
    return all_reduce_fault(group_of(cluster, size), choice);
  };
  ClusterSpec plain = cluster_of(2);
  plain.node.device.link_technology.in_switch_reduction = false;
  plain.node.device.link_technology.graph_efficiency = 0;
  for (const std::int64_t size : {8, 16}) {
    EXPECT_EQ(fault(plain, size, AllReduce::kAuto), "");
    EXPECT_EQ(fault(plain, size, AllReduce::kRing), "");
    EXPECT_EQ(fault(plain, size, AllReduce::kNvls),
              "no switch reduces between devices on made-link");
  }
  EXPECT_EQ(fault(plain, 8, AllReduce::kTwoShot),
            "no engine has a kernel of its own for made-link");
  EXPECT_EQ(fault(plain, 8, AllReduce::kTree), "a tree is between nodes, and all are on one");
  EXPECT_EQ(fault(plain, 16, AllReduce::kTree), "");
  EXPECT_EQ(fault(cluster_of(2), 2, AllReduce::kNvls),
            "a switch reduces for three devices of a node or more");
  EXPECT_EQ(fault(cluster_of(2), 16, AllReduce::kOneShot),
            "a kernel of the engine's own stays inside a node");
}

// A fixed algorithm reaches the steps of a deployment, and their account.
TEST(AllReduceChoice, IsWhatStepsRun) {
  Deployment d = made::deployment(made::small_dense(), made::cluster(made::device(), 4));
  d.cluster.node.device.link_technology.in_switch_reduction = true;
  d.plan.tp = 4;
  const auto cost = [&](AllReduce choice) {
    d.all_reduce = choice;
    return made::cost_of(d, {made::decodes(64, 100)});
  };
  const StageCost ring = cost(AllReduce::kRing), nvls = cost(AllReduce::kNvls);
  const auto runs = [](const StageCost& c, AllReduce way) {
    return c.communication.all_reduces[way];
  };
  const double layers = static_cast<double>(d.model.layers.size());
  EXPECT_EQ(runs(ring, AllReduce::kRing), 2 * layers);
  EXPECT_EQ(runs(ring, AllReduce::kNvls), 0);
  EXPECT_EQ(runs(nvls, AllReduce::kNvls), 2 * layers);
  EXPECT_NE(ring.time, nvls.time);
  EXPECT_LE(cost(AllReduce::kAuto).time, std::min(ring.time, nvls.time));
}

// Shipped nodes: NVSwitch of Hopper and Blackwell reduces, that of Ampere does not, a mesh has
// none.
TEST(AllReduceChoice, OfShippedNodes) {
  const auto may = [](const char* node, AllReduce choice) {
    ClusterSpec cluster;
    cluster.node = load_node(node);
    return all_reduce_fault(group_of(cluster, cluster.node.devices), choice).empty();
  };
  EXPECT_TRUE(may("dgx-h100", AllReduce::kNvls));
  EXPECT_TRUE(may("dgx-b200", AllReduce::kNvls));
  EXPECT_FALSE(may("dgx-a100", AllReduce::kNvls));
  EXPECT_FALSE(may("mi300x-8x", AllReduce::kNvls));
  EXPECT_TRUE(may("dgx-a100", AllReduce::kTwoShot));
}

}  // namespace
}  // namespace moesim
