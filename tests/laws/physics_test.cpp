// Laws L4, L7, L8, L10 over the cases of every shipped scenario, on a small static workload.
#include <gtest/gtest.h>

#include <algorithm>

#include "hardware/kernels/kernel.h"
#include "models/router/make/bank_cache.h"
#include "models/router/make/make_bank.h"
#include "models/spec/dense_twin.h"
#include "models/spec/kv_bytes.h"
#include "models/work/layer_work.h"
#include "sim/serving/run_case.h"
#include "tests/laws/shipped_cases.h"

namespace moesim {
namespace {

class EveryDeployment : public testing::TestWithParam<ShippedCase> {
 protected:
  // The case with perfectly even routing from a small bank: nothing is left to chance.
  Deployment balanced() const {
    Deployment d = GetParam().one.deployment;
    d.faults = {};  // They come at a date, however long the work takes.
    d.tokens.policy = TokenPolicy::kBalanced;
    d.tokens.sequences = 32;
    d.tokens.sequence_tokens = 16;
    return d;
  }
  static double seconds(const Deployment& d) {
    const auto numbers = in_child([&d] {
      RoutingBank bank;
      if (d.model.is_moe()) bank = make_routing_bank(d.model, d.tokens, d.seed);
      // Some sequences on every rank: with one or two, the luck of the draw shows.
      const Workload workload = static_batch(
          std::max<std::int64_t>(32, 4 * d.plan.attention_dp * d.plan.replicas), 64, 16);
      const Summary s = run_case(d, workload, d.model.is_moe() ? &bank : nullptr);
      return std::vector<double>{s.horizon.value()};
    });
    return numbers.empty() ? 0 : numbers[0];
  }
};

// All kernels of one layer for a number of tokens that are half prompt, half decoding.
std::vector<Kernel> kernels_of(const Deployment& d, const LayerSpec& layer, std::int64_t tokens) {
  AttentionLoad load;
  load.add_prefill(0, tokens, layer.attention.window);
  for (std::int64_t i = 0; i < tokens; ++i) load.add_decode(500 + i, layer.attention.window);
  auto kernels = linear_kernels(d.model, layer, d.plan, d.dtypes, 2 * tokens);
  const auto attention = attention_kernels(layer, d.plan, d.dtypes, load);
  kernels.insert(kernels.end(), attention.begin(), attention.end());
  if (layer.moe) {
    const std::int64_t pairs = 2 * tokens * layer.moe->top_k;
    const auto experts = expert_kernels(
        d.model, layer, d.plan, {pairs, std::min(pairs, layer.moe->num_experts / d.plan.ep)});
    kernels.insert(kernels.end(), experts.begin(), experts.end());
  }
  const auto head = head_kernels(d.model, d.plan, 2 * tokens, tokens);
  kernels.insert(kernels.end(), head.begin(), head.end());
  return kernels;
}

TEST_P(EveryDeployment, L4NoKernelBeatsItsRoofline) {
  const Deployment& d = GetParam().one.deployment;
  const DeviceSpec& device = d.cluster.node.device;
  const DeviceModel model(device, d.power_limit, d.serving.launch_factor);
  for (const LayerSpec& layer : {d.model.layers.front(), d.model.layers.back()}) {
    for (const std::int64_t tokens : {1, 7, 64, 1000}) {
      for (const Kernel& kernel : kernels_of(d, layer, tokens)) {
        const Seconds time = model.cost(kernel, false).time();
        EXPECT_GE(time, kernel.flops / device.peak_of(kernel.dtype)) << kernel.name;
        EXPECT_GE(time, kernel.bytes / device.memory_bandwidth) << kernel.name;
      }
    }
  }
}

// The model with one expert that every token goes to.
ModelSpec one_expert(ModelSpec model) {
  for (LayerSpec& layer : model.layers) {
    if (layer.moe) layer.moe->router.num_groups = layer.moe->router.top_groups = 1;
  }
  ModelOverrides overrides;
  overrides.num_experts = overrides.top_k = 1;
  return with_overrides(model, overrides);
}

double flops(const std::vector<Kernel>& kernels) {
  double sum = 0;
  for (const Kernel& kernel : kernels) sum += kernel.flops.value();
  return sum;
}

TEST_P(EveryDeployment, L7OneExpertIsTheDenseTwin) {
  const Deployment& d = GetParam().one.deployment;
  if (!d.model.is_moe()) GTEST_SKIP() << "a dense model";
  const ModelSpec one = one_expert(d.model);
  const ModelSpec twin = dense_twin(one, TwinKind::kActive);
  std::int64_t gates = 0;
  for (const LayerSpec& layer : one.layers) gates += count_parameters(one, layer).gate;
  EXPECT_EQ(count_parameters(one).total - count_parameters(twin).total, gates);
  EXPECT_EQ(kv_bytes_per_token(one, Dtype::kBf16), kv_bytes_per_token(twin, Dtype::kBf16));

  const ParallelPlan plan;
  constexpr std::int64_t kTokens = 100;
  const LayerSpec& sparse = one.layers.back();
  const double gate = 2.0 * kTokens * static_cast<double>(count_parameters(one, sparse).gate);
  const double of_one = flops(linear_kernels(one, sparse, plan, d.dtypes, kTokens)) +
                        flops(expert_kernels(one, sparse, plan, {kTokens, 1}));
  const double of_twin = flops(linear_kernels(twin, twin.layers.back(), plan, d.dtypes, kTokens));
  EXPECT_NEAR(of_one - gate, of_twin, 1e-3 * of_twin);
}

TEST_P(EveryDeployment, L8BetterHardwareNeverHurts) {
  const Deployment as_is = balanced();
  const double base = seconds(as_is);
  ASSERT_GT(base, 0);
  Deployment faster = as_is;
  faster.cluster.node.device.memory_bandwidth *= 1.3;
  EXPECT_LE(seconds(faster), base) << "memory bandwidth";
  faster = as_is;
  for (auto& [dtype, peak] : faster.cluster.node.device.peak) peak *= 1.3;
  EXPECT_LE(seconds(faster), base) << "compute";
  faster = as_is;
  faster.cluster.node.device.link_bandwidth *= 1.3;
  EXPECT_LE(seconds(faster), base) << "scale-up bandwidth";
  faster = as_is;
  faster.cluster.node.nic_bandwidth *= 1.3;
  EXPECT_LE(seconds(faster), base) << "scale-out bandwidth";
  faster = as_is;
  faster.cluster.node.device.memory *= 1.3;
  EXPECT_LE(seconds(faster), base) << "memory";
}

// t(3n) - t(2n) = t(2n) - t(n), n layers of one kind on top of the model's dense first ones.
TEST_P(EveryDeployment, L10TimeIsLinearInLayers) {
  Deployment d = balanced();
  const ModelSpec whole = d.model;
  if (d.plan.pp > 1) GTEST_SKIP() << "pipeline stages";
  const auto with_layers = [&](std::int64_t layers) {
    ModelOverrides overrides;
    overrides.num_layers = layers;
    d.model = with_overrides(whole, overrides);
    return seconds(d);
  };
  const double t8 = with_layers(8), t14 = with_layers(14), t20 = with_layers(20);
  EXPECT_GT(t14, t8);
  EXPECT_NEAR(t20 - t14, t14 - t8, 0.01 * (t14 - t8));
}

INSTANTIATE_TEST_SUITE_P(Shipped, EveryDeployment, testing::ValuesIn(shipped_cases()),
                         [](const auto& shipped) { return shipped.param.label; });

}  // namespace
}  // namespace moesim
