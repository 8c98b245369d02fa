// The examples of docs/physics.md, by the code that they explain.
#include <gtest/gtest.h>

#include <vector>

#include "hardware/kernels/kernel.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"
#include "models/memory/memory_ledger.h"
#include "models/placement/placement.h"
#include "models/quality/scaling_laws.h"
#include "models/router/draw/dispatch.h"
#include "models/work/layer_work.h"
#include "sim/network/collectives.h"

namespace moesim {
namespace {

DeviceModel h100(double limit = 0) {
  return {load_device("h100-sxm-80gb"), Watts(limit), 1};
}

Kernel gemm(double m, double n, double k) {
  Kernel kernel;
  kernel.kind = KernelKind::kGemm;
  kernel.m = static_cast<std::int64_t>(m);
  kernel.n = static_cast<std::int64_t>(n);
  kernel.k = static_cast<std::int64_t>(k);
  kernel.flops = Flops(2 * m * n * k);
  kernel.bytes = Bytes(2 * (n * k + m * k + m * n));
  return kernel;
}

double microseconds(const Kernel& kernel) {
  return h100().cost(kernel, false).busy.value() * 1e6;
}

TEST(PhysicsPage, Gemm) {
  EXPECT_NEAR(microseconds(gemm(64, 8192, 8192)), 48.5, 0.05);
  EXPECT_NEAR(microseconds(gemm(2048, 8192, 8192)), 356, 0.5);
}

TEST(PhysicsPage, Experts) {
  Kernel kernel = gemm(64, 1536, 2048);
  kernel.kind = KernelKind::kGroupedGemm;
  kernel.groups = 8;
  kernel.bytes = Bytes(8 * 2.0 * 1536 * 2048 + 64 * 2.0 * (2048 + 1536));
  EXPECT_NEAR(microseconds(kernel), 17.3, 0.05);
}

TEST(PhysicsPage, Attention) {
  AttentionLoad prompt;
  prompt.add_prefill(0, 1024, 0);
  EXPECT_EQ(prompt.prefill_pairs, 524'800);
  LayerSpec layer;
  layer.attention.num_heads = 32;
  layer.attention.num_kv_heads = 8;
  layer.attention.head_dim = layer.attention.v_head_dim = 128;
  EXPECT_NEAR(microseconds(attention_kernels(layer, {}, {}, prompt).front()), 22.5, 0.05);
  AttentionLoad decode;
  for (int s = 0; s < 64; ++s) decode.add_decode(4096, 0);
  EXPECT_NEAR(microseconds(attention_kernels(layer, {}, {}, decode).front()), 401, 1);
}

TEST(PhysicsPage, PowerLimit) {
  const Kernel work = gemm(8192, 8192, 8192);
  const double slower = h100(350).cost(work, false).busy / h100().cost(work, false).busy;
  EXPECT_NEAR(slower, 1.35, 0.005);
  EXPECT_EQ(h100().idle_power().value(), 120);
}

TEST(PhysicsPage, Collectives) {
  ClusterSpec cluster;
  cluster.node = load_node("dgx-h100");
  const CommGroup group = make_group(cluster, std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
  const auto time = [&](AllReduce algorithm, double bytes) {
    return all_reduce(group, Bytes(bytes), algorithm).time.value() * 1e6;
  };
  constexpr double kActivations = 64 * 8192 * 2;
  EXPECT_NEAR(time(AllReduce::kRing, kActivations), 26.3, 0.05);
  EXPECT_NEAR(time(AllReduce::kNvls, kActivations), 24.2, 0.05);
  EXPECT_NEAR(time(AllReduce::kTwoShot, kActivations), 18.7, 0.05);
  EXPECT_NEAR(time(AllReduce::kRing, 1e9), 5500, 50);
  EXPECT_NEAR(time(AllReduce::kNvls, 1e9), 4200, 50);
  EXPECT_NEAR(time(AllReduce::kTwoShot, 1e9), 8700, 50);
  const std::vector<double> sent(8, 7e6), none(8, 0);
  const PortLoads loads{sent, sent, none, none};
  const auto exchange = [&](AllToAllKernel kernel) {
    return all_to_all(group, loads, kernel).value() * 1e6;
  };
  EXPECT_NEAR(exchange(AllToAllKernel::kLibrary), 43.8, 0.05);
  EXPECT_NEAR(exchange(AllToAllKernel::kLowLatency), 40.9, 0.05);
  EXPECT_NEAR(exchange(AllToAllKernel::kNormalDispatch), 50.9, 0.05);
}

TEST(PhysicsPage, Payloads) {
  const auto sent = [](DispatchMode mode) {
    return dispatch_payload(7168, 8, Dtype::kFp8, mode).value();
  };
  EXPECT_EQ(sent(DispatchMode::kNormal), 7472);
  EXPECT_EQ(sent(DispatchMode::kLowLatency), 7408);
  EXPECT_EQ(combine_payload(7168, CombineFormat::kLogFmt10, DispatchMode::kLowLatency).value(),
            9184);
}

TEST(PhysicsPage, Memory) {
  const MemoryLedger ledger =
      memory_ledger(load_model("llama-3-8b"), {}, {}, {}, load_device("h100-sxm-80gb"), {});
  EXPECT_NEAR(ledger.budget.value(), 76.54e9, 0.01e9);
  EXPECT_NEAR(ledger.weights().value(), 16.06e9, 0.01e9);
  EXPECT_NEAR(ledger.activations.value(), 1.35e9, 0.01e9);
  EXPECT_NEAR(ledger.kv_pool.value(), 58.5e9, 0.05e9);
  EXPECT_EQ(ledger.kv_bytes_per_token.value(), 131'072);
  EXPECT_NEAR(static_cast<double>(ledger.kv_capacity_tokens), 446'000, 1000);
}

TEST(PhysicsPage, Placement) {
  const std::vector<double> counts = {90, 60, 30, 20};
  EXPECT_DOUBLE_EQ(overload(place_eplb(counts, 2, 2, 1, 1), counts), 1.05);
  EXPECT_DOUBLE_EQ(overload(place_linear(4, 2), counts), 1.5);
}

TEST(PhysicsPage, Quality) {
  EXPECT_NEAR(effective_experts(8), 8.81, 0.005);
  EXPECT_NEAR(joint_loss(1e9, 20e9, 1), 2.578, 0.0005);
  EXPECT_NEAR(joint_loss(1e9, 20e9, 8), 2.509, 0.0005);
}

TEST(PhysicsPage, Samples) {
  EXPECT_NEAR(triangular_quantile(1, {0.9, 1.1}, 0.05), 0.932, 0.0005);
  EXPECT_DOUBLE_EQ(triangular_quantile(1, {0.9, 1.1}, 0.5), 1);
}

}  // namespace
}  // namespace moesim
