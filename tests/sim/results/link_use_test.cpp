#include "sim/results/link_use.h"

#include <gtest/gtest.h>

#include "sim/serving/run_case.h"
#include "tests/sim/in_child.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

RoutingBank bank_of(const Deployment& deployment) {
  return make_routing_bank(deployment.model, deployment.tokens, 1);
}

TEST(NetworkTally, CommunicationIsWhatTheLedgersSay) {
  Deployment d = made::expert_parallel(8, 4);
  d.error.step_time = 1.5;
  const StageCost cost = made::cost_of(d, std::vector<RankStep>(8, made::decodes(32, 500)));
  Seconds charged, phases;
  for (const DeviceLedger& rank : cost.ranks) {
    charged += rank.time[Activity::kCommunication];
  }
  for (const Seconds time : cost.communication.phases) phases += time;
  EXPECT_GT(phases, Seconds(0));
  EXPECT_NEAR(phases.value(), charged.value(), 1e-9 * charged.value());
  EXPECT_NEAR(cost.communication.total.value(), 8 * cost.time.value(), 1e-12);
}

// All tokens of a two-node case choose experts of the last rank.
TEST(NetworkSummary, NamesTheFullestPort) {
  const std::vector<double> seen = in_child([] {
    Deployment d = made::expert_parallel(4, 2);
    d.cluster.fabric.kind = FabricKind::kRailFatTree;
    d.cluster.fabric.switch_ports = 64;
    d.cluster.fabric.port_bandwidth = BytesPerSecond(50e9);
    RoutingBank bank = bank_of(d);
    for (std::uint16_t& id : bank.ids) id = static_cast<std::uint16_t>(12 + id % 4);
    const Summary summary = run_case(d, made::workload(ArrivalKind::kStatic, 64, 16, 40), &bank);
    EXPECT_EQ(summary.network.links.size(), 3u);
    const LinkUse& nic = summary.network.links.at(1);
    EXPECT_EQ(nic.fullest, "NIC of node 1, rail 1");
    EXPECT_TRUE(nic.fullest_receives);
    EXPECT_GT(nic.fullest_busy_share, nic.dispatch_busy_share);
    EXPECT_LE(nic.fullest_busy_share, 1);
    return std::vector<double>{nic.sent.value(), summary.traffic.scale_out_sent.value()};
  });
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], seen[1]);
}

}  // namespace
}  // namespace moesim
