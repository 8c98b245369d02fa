// Some of the devices of a node are a cluster: `cluster: {node: dgx-h200, devices: 4}`. A scenario
// once had to use all of them ("parallel.replicas: 1: must be 2").
#include <gtest/gtest.h>

#include <string>

#include "scenarios/run/run.h"
#include "tests/scenarios/scenario_text.h"
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

double value(const CaseReport& report, Metric wanted) {
  return metric(report, wanted).value();
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(PartOfNode, IsADeploymentOfItsDevices) {
  const CaseReport report = report_of(on("{node: dgx-h200, devices: 4}"));
  ASSERT_EQ(report.status, CaseStatus::kDone) << report.reason;
  EXPECT_EQ(report.hardware, "4 of the 8 devices of dgx-h200 (4 x h200-sxm-141gb)");
  EXPECT_EQ(value(report, Metric::kDevices), 4);
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
  const CaseReport part = report_of(on("{node: dgx-h200, devices: 4}"));
  const CaseReport described = report_of(on("{node: " + node.path() + "}"));
  for (const Metric wanted : {Metric::kTtftP50, Metric::kTpotP50, Metric::kEnergyTotal,
                              Metric::kCostTotal, Metric::kKvCapacityTokens}) {
    EXPECT_DOUBLE_EQ(value(part, wanted), value(described, wanted)) << static_cast<int>(wanted);
  }
}

// Two replicas of four devices, each with half of the requests, are two halves of the node.
TEST(PartOfNode, IsAsFastAsItsShareOfTheNodeAndHalfAsDear) {
  for (const char* node : {"dgx-h200", "mi300x-8x", "l40s-8x"}) {
    const std::string name = node;
    const CaseReport half =
        report_of(changed(on("{node: " + name + ", devices: 4}"), "{batch: 4}", "{batch: 2}"));
    const CaseReport whole = report_of(on("{node: " + name + "}", "{tp: 4, replicas: 2}"));
    ASSERT_EQ(half.status, CaseStatus::kDone) << half.reason;
    EXPECT_NEAR(value(half, Metric::kTpotP50), value(whole, Metric::kTpotP50),
                0.02 * value(whole, Metric::kTpotP50))
        << node;
    if (name != "dgx-h200") continue;
    EXPECT_DOUBLE_EQ(2 * value(half, Metric::kCostPerHour), value(whole, Metric::kCostPerHour));
    EXPECT_NEAR(2 * value(half, Metric::kEnergyHost), value(whole, Metric::kEnergyHost),
                0.05 * value(whole, Metric::kEnergyHost));
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
