#include "sim/step/network_use.h"

#include <gtest/gtest.h>

#include "sim/serving/run_case.h"
#include "tests/sim/in_child.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

RoutingBank bank_of(const Deployment& deployment) {
  return make_routing_bank(deployment.model, deployment.tokens, 1);
}

StepSamples samples_of(std::int64_t dp, std::int64_t sequences) {
  StepSamples samples;
  samples.offer(std::vector<RankStep>(static_cast<std::size_t>(dp), made::decodes(sequences, 100)));
  return samples;
}

// Two devices and no latency anywhere: a step is kernels and bytes, so that doubled links save half
// of the time of the bytes.
TEST(DoubledLinks, SaveHalfOfTheTimeOfTheBytes) {
  Deployment d = made::deployment(made::small_dense(), made::cluster(made::instant_device(), 2));
  d.cluster.node.device.link_bandwidth = BytesPerSecond(100e9);
  d.plan.tp = 2;
  StepModel model(d, nullptr);
  const DoubledLinks gain = doubled_links(d, model, samples_of(1, 4096));
  EXPECT_NEAR(gain.scale_up, 0.5, 0.01);
  EXPECT_EQ(gain.scale_out, 0);
}

TEST(DoubledLinks, SaveNothingOnOneDevice) {
  const Deployment d = made::deployment(made::small_dense(), made::cluster(made::device(), 1));
  StepModel model(d, nullptr);
  const DoubledLinks gain = doubled_links(d, model, samples_of(1, 64));
  EXPECT_EQ(gain.scale_up, 0);
  EXPECT_EQ(gain.scale_out, 0);
}

TEST(DoubledLinks, OfTwoClassesTheOneThatLimitsCounts) {
  Deployment d = made::expert_parallel(8, 4);
  d.cluster.node.nic_bandwidth = BytesPerSecond(1e9);  // A hundredth of the links inside nodes.
  const RoutingBank bank = bank_of(d);
  StepModel model(d, &bank);
  const DoubledLinks gain = doubled_links(d, model, samples_of(8, 512));
  EXPECT_GT(gain.scale_out, 0.4);
  EXPECT_NEAR(gain.scale_up, 0, 1e-9);
}

// Where leaves let through an eighth of what the NICs could send, twice the NICs buy nothing that
// the leaves do not grow with, and twice the spine nearly half of the step.
TEST(DoubledLinks, ANarrowSpineIsPricedByItself) {
  Deployment d = made::expert_parallel(8, 1);
  d.cluster.node.nic_bandwidth = BytesPerSecond(1e9);
  FabricSpec& fabric = d.cluster.fabric;
  fabric.kind = FabricKind::kFatTree;
  fabric.switch_ports = 6;
  fabric.port_bandwidth = BytesPerSecond(1e9);
  const RoutingBank bank = bank_of(d);
  const auto gain = [&](double oversubscription) {
    fabric.oversubscription = oversubscription;
    StepModel model(d, &bank);
    return doubled_links(d, model, samples_of(8, 512));
  };
  EXPECT_EQ(gain(1).spine, 0);
  EXPECT_GT(gain(1).scale_out, 0.4);
  const DoubledLinks narrow = gain(4);
  EXPECT_GT(narrow.spine, 0.4);
  EXPECT_LT(narrow.spine, 0.5);
}

TEST(StepSamples, AreEvenlySpread) {
  StepSamples samples;
  for (std::int64_t i = 0; i < 1000; ++i) samples.offer({made::decodes(i + 1, 1)});
  ASSERT_GE(samples.steps().size(), 8u);
  ASSERT_LE(samples.steps().size(), 16u);
  const auto at = [&](std::size_t i) { return samples.steps()[i].front().batch.decode_tokens; };
  for (std::size_t i = 2; i < samples.steps().size(); ++i) {
    EXPECT_EQ(at(i) - at(i - 1), at(1) - at(0));
  }
}

TEST(NetworkTally, CommunicationIsWhatTheBooksSay) {
  Deployment d = made::expert_parallel(8, 4);
  d.error.step_time = 1.5;
  const StageCost cost = made::cost_of(d, std::vector<RankStep>(8, made::decodes(32, 500)));
  Seconds booked, phases;
  for (const DeviceLedger& rank : cost.ranks) {
    booked += rank.time[static_cast<std::size_t>(Activity::kCommunication)];
  }
  for (const Seconds time : cost.communication.phases) phases += time;
  EXPECT_GT(phases, Seconds(0));
  EXPECT_NEAR(phases.value(), booked.value(), 1e-9 * booked.value());
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
