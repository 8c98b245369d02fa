#include "models/spec/dense_twin.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/config/catalog.h"
#include "models/spec/parallel_plan.h"

namespace moesim {
namespace {

double total(const ModelSpec& model) {
  return static_cast<double>(count_parameters(model).total);
}

// Every MoE model of the catalog, at its active and its total size and between.
TEST(DenseModel, HasTheSizeAskedForWithinOnePercent) {
  for (const std::string& name : catalog_names()) {
    const ModelSpec own = load_model(name);
    if (!own.is_moe()) continue;
    const ParameterCounts counts = count_parameters(own);
    const auto active = static_cast<double>(counts.active);
    const auto all = static_cast<double>(counts.total);
    for (const double params : {active, std::sqrt(active * all), all}) {
      const ModelSpec twin = dense_model_of(own, params);
      EXPECT_NEAR(total(twin) / params, 1, 0.01) << name << " at " << params;
      EXPECT_FALSE(twin.is_moe());
      EXPECT_EQ(twin.vocab_size, own.vocab_size);
    }
  }
}

// At its active size nothing but the feed-forward widths differs from the model itself.
TEST(DenseModel, AtTheActiveSizeKeepsAttentionAndDepth) {
  const ModelSpec own = load_model("mixtral-8x7b");
  const ModelSpec twin = dense_model_of(own, static_cast<double>(count_parameters(own).active));
  EXPECT_EQ(twin.hidden_size, own.hidden_size);
  ASSERT_EQ(twin.layers.size(), own.layers.size());
  EXPECT_TRUE(twin.layers.front().attention == own.layers.front().attention);
  EXPECT_NEAR(static_cast<double>(twin.layers.front().dense_width), 2 * 14336, 128);
}

// Eight times the size: about twice the heads, the hidden size and (a few more, because KV heads
// and vocabulary stay) the layers.
TEST(DenseModel, KeepsItsProportionsAsItGrows) {
  const ModelSpec own = load_model("qwen3-30b-a3b");
  const double active = static_cast<double>(count_parameters(own).active);
  const ModelSpec twin = dense_model_of(own, 8 * active);
  const AttentionSpec& a = twin.layers.front().attention;
  EXPECT_EQ(a.num_heads, 64);
  EXPECT_EQ(a.head_dim, own.layers.front().attention.head_dim);
  EXPECT_EQ(a.num_kv_heads, own.layers.front().attention.num_kv_heads);
  EXPECT_EQ(twin.hidden_size, 2 * own.hidden_size);
  EXPECT_GE(twin.layers.size(), 96u);
  EXPECT_LE(twin.layers.size(), 120u);
}

TEST(DenseModel, OfLatentAttentionKeepsItsLatents) {
  const ModelSpec own = load_model("deepseek-v3");
  const ModelSpec twin = dense_model_of(own, 671e9);
  const AttentionSpec& a = twin.layers.front().attention;
  EXPECT_EQ(a.kind, AttentionKind::kLatent);
  EXPECT_EQ(a.kv_lora_rank, 512);
  EXPECT_GT(a.num_heads, 128);
}

// Sizes as the counts say, and widths that tensor parallelism can split.
TEST(DenseModel, CanBeSplitOverEightDevices) {
  for (const char* name : {"mixtral-8x7b", "qwen3-30b-a3b", "deepseek-v3", "gpt-oss-120b"}) {
    const ModelSpec own = load_model(name);
    const ModelSpec twin = dense_model_of(own, total(own));
    ParallelPlan plan;
    plan.tp = 8;
    EXPECT_TRUE(plan_faults(plan, twin, 8, 0).empty()) << name;
  }
}

TEST(DenseModel, IsMadeDownToItsLeastSize) {
  const ModelSpec own = load_model("qwen3-30b-a3b");
  const double least = least_dense_params(own);
  EXPECT_NEAR(total(dense_model_of(own, least)) / least, 1, 0.01);
}

}  // namespace
}  // namespace moesim
