// Some of the devices of a node are a cluster: `cluster: {node: dgx-h200, devices: 4}`. A scenario
// once had to use all of them ("parallel.replicas: 1: must be 2").
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scenarios/run/run.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/sim/in_child.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

std::string on(const std::string& cluster, const std::string& plan = "{tp: 4, replicas: 1}") {
  return changed(kMoe, "{node: dgx-h100}", cluster) + "    parallel: " + plan + "\n" +
         "    router: {bank_sequences: 16}\n";
}

CaseReport report_of(const std::string& text) {
  return simulate(read_text(text).cases.at(0), {});
}

// Those of a run in a process of its own.
std::vector<double> metrics_of(const std::string& text, const std::vector<Metric>& wanted) {
  const std::vector<double> found = in_child([&] {
    const CaseReport report = report_of(text);
    EXPECT_EQ(report.status, CaseStatus::kDone) << report.reason;
    std::vector<double> values;
    for (const Metric one : wanted) values.push_back(metric(report, one).value());
    return values;
  });
  EXPECT_EQ(found.size(), wanted.size());
  return found;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(PartOfNode, IsADeploymentOfItsDevices) {
  in_child([] {
    const CaseReport report = report_of(on("{node: dgx-h200, devices: 4}"));
    EXPECT_EQ(report.status, CaseStatus::kDone) << report.reason;
    EXPECT_EQ(report.hardware, "4 of the 8 devices of dgx-h200 (4 x h200-sxm-141gb)");
    EXPECT_EQ(metric(report, Metric::kDevices), 4);
    return std::vector<double>();
  });
}

// All four devices of a node that a user describes: half of a DGX H200, its NICs and its host.
TEST(PartOfNode, IsAsTheNodeThatAUserWouldDescribe) {
  const auto number = [](const char* key, const char* text) {
    return std::string(key) + ": {value: " + text + ", source: test, confidence: assumption}\n";
  };
  const TemporaryFile node("four.yaml",
                           "title: Four H200\ndevice: h200-sxm-141gb\nnic: infiniband-ndr\n" +
                               number("devices", "4") + number("nics", "4") +
                               number("nic_bandwidth", "400 Gb/s") + number("nic_power", "25 W") +
                               number("host_idle", "0.3 kW") + number("host_busy", "0.55 kW") +
                               number("psu_efficiency", "0.95"));
  const std::vector<Metric> all = {Metric::kTtftP50, Metric::kTpotP50, Metric::kEnergyTotal,
                                   Metric::kCostTotal, Metric::kKvCapacityTokens};
  const std::vector<double> part = metrics_of(on("{node: dgx-h200, devices: 4}"), all);
  EXPECT_EQ(part, metrics_of(on("{node: " + node.path() + "}"), all));
}

// Two replicas of four devices, each with half of the requests, are two halves of the node.
TEST(PartOfNode, IsAsFastAsItsShareOfTheNodeAndHalfAsDear) {
  for (const char* node : {"dgx-h200", "mi300x-8x", "l40s-8x"}) {
    const std::string name = node;
    const std::vector<Metric> all = {Metric::kTpotP50, Metric::kCostPerHour, Metric::kEnergyHost};
    const std::vector<double> half = metrics_of(
        changed(on("{node: " + name + ", devices: 4}"), "{batch: 4}", "{batch: 2}"), all);
    const std::vector<double> whole =
        metrics_of(on("{node: " + name + "}", "{tp: 4, replicas: 2}"), all);
    ASSERT_EQ(half.size() + whole.size(), 6u) << node;
    EXPECT_NEAR(half[0], whole[0], 0.02 * whole[0]) << node;
    EXPECT_DOUBLE_EQ(2 * half[1], whole[1]) << node;
    EXPECT_NEAR(2 * half[2], whole[2], 0.05 * whole[2]) << node;
  }
}

TEST(PartOfNode, IsTheWayOutForAPlanOfFewerDevices) {
  EXPECT_TRUE(says(refusal(on("{node: dgx-h200}")),
                   "must be 2: tp 4 * attention_dp 1 * pp 1 = 4 devices a replica, the cluster has "
                   "8; for 4 of the 8 devices of dgx-h200 set cluster.devices: 4"))
      << refusal(on("{node: dgx-h200}"));
  EXPECT_TRUE(says(refusal(on("{node: dgx-h200, nodes: 2}")), "and leave out cluster.nodes"));
  EXPECT_TRUE(says(refusal(on("{node: dgx-h200, devices: 6}")), "set cluster.devices: 4"));
  EXPECT_FALSE(says(refusal(on("{node: dgx-h200}", "{tp: 4, replicas: 3}")), "cluster.devices"));
}

TEST(PartOfNode, RefusesADeviceCountThatNoNodeHas) {
  EXPECT_TRUE(says(refusal(on("{node: dgx-h200, devices: 9}")),
                   "s.yaml:9: cases.a.cluster.devices: 9: at most the 8 devices of dgx-h200"))
      << refusal(on("{node: dgx-h200, devices: 9}"));
  EXPECT_TRUE(says(refusal(on("{node: dgx-h200, devices: 0}")), "cluster.devices: 0"));
  EXPECT_TRUE(says(refusal(on("{node: dgx-h200, devices: 4, nodes: 1}")),
                   "devices: 4: is a part of one node: leave out this or `nodes`"));
}

}  // namespace
}  // namespace moesim
