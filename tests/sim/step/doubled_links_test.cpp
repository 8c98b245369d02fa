#include "sim/step/doubled_links.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace moesim
