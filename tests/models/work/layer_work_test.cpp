#include "models/work/layer_work.h"

#include <gtest/gtest.h>

#include "models/config/catalog.h"
#include "models/memory/memory_ledger.h"
#include "models/spec/model_formats.h"
#include "tests/models/made_models.h"
#include "tests/models/work/kernel_queries.h"

namespace moesim {
namespace {

// All kernels that one rank runs for one layer in a decode step.
Kernels decode_layer(const ModelSpec& model, const LayerSpec& layer, const ParallelPlan& plan,
                     std::int64_t tokens) {
  Kernels all = linear_kernels(model, layer, plan, {}, tokens);
  const Kernels core = attention_kernels(layer, plan, {}, decode_load(tokens, 100));
  all.insert(all.end(), core.begin(), core.end());
  if (layer.moe) {
    const ExpertLoad load{tokens * layer.moe->top_k, layer.moe->num_experts};
    const Kernels routed = expert_kernels(model, layer, plan, load);
    all.insert(all.end(), routed.begin(), routed.end());
  }
  return all;
}

TEST(LayerWork, NothingToDoMeansNoKernels) {
  const ModelSpec model = made::deepseek_v3();
  const LayerSpec& layer = model.layers.back();
  EXPECT_TRUE(linear_kernels(model, layer, {}, {}, 0).empty());
  EXPECT_TRUE(attention_kernels(layer, {}, {}, {}).empty());
  EXPECT_TRUE(expert_kernels(model, layer, {}, {}).empty());
  EXPECT_TRUE(head_kernels(model, {}, 0, 0).empty());
}

// Source of the counts: docs/physics.md, "Launches".
TEST(LayerWork, LaunchesAsManyKernelsAsEnginesDo) {
  const ModelSpec model = made::deepseek_v3();
  const AttentionSpec mha = made::grouped(7168, 64, 8, 128);
  MoeSpec moe = made::experts(7168, 256, 8, 2048);
  const auto count = [&](LayerSpec layer, const DtypePlan& dtypes) {
    layer = in_formats(made::model(7168, 129280, 1, layer), dtypes).layers[0];
    return launches(decode_layer(model, layer, {}, 8));
  };
  const DtypePlan bf16;
  DtypePlan fp8;
  fp8.weights = FormatName::kFp8;
  DtypePlan fp4_experts;
  fp4_experts.experts = FormatName::kFp4;
  EXPECT_EQ(count(made::dense_layer(7168, mha, 18432), bf16), 10);
  EXPECT_EQ(count(made::dense_layer(7168, mha, 18432), fp8), 10 + 6);
  EXPECT_EQ(count(made::moe_layer(7168, mha, moe), bf16), 16);
  EXPECT_EQ(count(made::moe_layer(7168, mha, moe), fp8), 16 + 3);
  EXPECT_EQ(count(made::moe_layer(7168, mha, moe), fp4_experts), 16 + 3);
  moe.shared_width = 2048;
  EXPECT_EQ(count(made::moe_layer(7168, mha, moe), bf16), 16 + 3);
  EXPECT_EQ(count(made::moe_layer(7168, made::latent(), moe), bf16), 16 + 3 + 6);
  EXPECT_EQ(count(made::moe_layer(7168, made::sparse_latent(), moe), bf16), 16 + 3 + 6 + 6);
  EXPECT_EQ(count(made::dense_layer(7168, made::delta_net(), 18432), bf16), 10 + 6);
}

TEST(LayerWork, LinearPartIsTwoFlopsPerParameterAndToken) {
  const std::int64_t tokens = 10;
  for (const ModelSpec& model : {made::tiny_moe(), made::mixtral_8x7b(), made::deepseek_v3()}) {
    for (const LayerSpec& layer : {model.layers.front(), model.layers.back()}) {
      const LayerParameters params = count_parameters(model, layer);
      const std::int64_t matrices = params.attention - layer.attention.unquantised_params +
                                    params.dense + params.gate + params.shared +
                                    params.routed_active;
      EXPECT_EQ(gemm_flops(decode_layer(model, layer, {}, tokens)),
                2.0 * static_cast<double>(matrices * tokens));
    }
  }
}

// Vocabulary, sequence mixing inside linear attention and zero experts aside.
TEST(LayerWork, LinearPartHoldsForEveryShippedModel) {
  for (const std::string& name : catalog_names()) {
    const ModelSpec model = load_model(name);
    for (const LayerSpec& layer : {model.layers.front(), model.layers.back()}) {
      const LayerParameters params = count_parameters(model, layer);
      double matrices = static_cast<double>(params.attention - layer.attention.unquantised_params);
      if (layer.dense_width > 0) {
        matrices +=
            static_cast<double>(layer.dense_matrices * model.hidden_size * layer.dense_width);
      }
      if (layer.moe) {
        const MoeSpec& moe = *layer.moe;
        matrices +=
            static_cast<double>(params.shared +
                                model.hidden_size * (moe.num_experts + moe.router.num_zero_experts +
                                                     (moe.shared_gate ? 1 : 0)) +
                                moe.top_k * moe.ffn_matrices * moe.expert_input * moe.expert_width);
      }
      EXPECT_EQ(gemm_flops(decode_layer(model, layer, {}, 10)), 20 * matrices) << name;
    }
  }
}

// A prompt processed at once costs what its tokens cost one by one (MLA runs expanded).
TEST(LayerWork, APromptCostsTheSumOfItsTokens) {
  const std::int64_t tokens = 50;
  for (const ModelSpec& model : {made::tiny_moe(), made::llama_2_70b(), made::deepseek_v3()}) {
    double expected = 0;
    for (std::int64_t i = 1; i <= tokens; ++i) expected += flops_per_token(model, i).value();
    AttentionLoad load;
    load.add_prefill(0, tokens, 0);
    double done = flops(head_kernels(model, {}, {}, tokens, tokens));
    for (const LayerSpec& layer : model.layers) {
      done += flops(linear_kernels(model, layer, {}, {}, tokens)) +
              flops(attention_kernels(layer, {}, {}, load));
      if (!layer.moe) continue;
      const ExpertLoad routed{tokens * layer.moe->top_k, 1};
      done += flops(expert_kernels(model, layer, {}, routed));
    }
    EXPECT_DOUBLE_EQ(done, expected);
  }
}

TEST(LayerWork, TensorParallelRanksShareTheMatrices) {
  const ModelSpec model = made::llama_2_70b();
  ParallelPlan plan;
  plan.tp = 8;
  const double whole = gemm_flops(linear_kernels(model, model.layers[0], {}, {}, 16));
  EXPECT_EQ(gemm_flops(linear_kernels(model, model.layers[0], plan, {}, 16)) * 8, whole);
}

TEST(LayerWork, KvHeadsAreReplicatedBeyondTheirNumber) {
  const ModelSpec model = made::llama_2_70b();
  ParallelPlan plan;
  plan.tp = 16;  // 4 query heads and, of 8 KV heads, still a whole one.
  EXPECT_EQ(named(linear_kernels(model, model.layers[0], plan, {}, 1), "qkv").n, (4 + 2) * 128);
  plan.tp = 8;
  EXPECT_EQ(named(linear_kernels(model, model.layers[0], plan, {}, 1), "qkv").n, (8 + 2) * 128);
}

TEST(LayerWork, LatentInputProjectionsAreReplicated) {
  const ModelSpec model = made::deepseek_v3();
  ParallelPlan plan;
  plan.tp = 8;
  const Kernels kernels = linear_kernels(model, model.layers[0], plan, {}, 1);
  EXPECT_EQ(named(kernels, "q_a").n, 1536);
  EXPECT_EQ(named(kernels, "kv_a").n, 576);
  EXPECT_EQ(named(kernels, "q_b").n, 16 * 192);
  EXPECT_EQ(named(kernels, "o").k, 16 * 128);
}

TEST(LayerWork, OutputGateWidensTheInputProjection) {
  ModelSpec model = made::llama_2_70b();
  LayerSpec layer = model.layers[0];
  layer.attention.params += 8192 * 8192;
  ParallelPlan plan;
  plan.tp = 8;
  EXPECT_EQ(named(linear_kernels(model, layer, plan, {}, 1), "qkv").n, (8 + 2) * 128 + 1024);
}

TEST(Experts, ReadOnlyTheMatricesThatWereHit) {
  const ModelSpec model = made::mixtral_8x7b();
  const auto bytes = [&](std::int64_t hit) {
    return named(expert_kernels(model, model.layers[0], {}, {64, hit}), "gate_up").bytes.value();
  };
  EXPECT_EQ(bytes(8) - bytes(2), 6 * 2.0 * 14336 * 4096 * 2);
}

TEST(Experts, MultiplyAndMovePaddingLikeTokens) {
  const ModelSpec model = made::mixtral_8x7b();
  const Kernels padded = expert_kernels(model, model.layers[0], {}, {64, 8, 192});
  const Kernels full = expert_kernels(model, model.layers[0], {}, {256, 8});
  ASSERT_EQ(padded.size(), full.size());
  for (std::size_t i = 0; i < full.size(); ++i) {
    EXPECT_EQ(padded[i].flops, full[i].flops);
    EXPECT_EQ(padded[i].bytes, full[i].bytes);
  }
}

TEST(Experts, StoredBytesFollowTheFormat) {
  const ModelSpec model = made::deepseek_v3();
  const auto slope = [&](FormatName format) {
    LayerSpec layer = model.layers.back();
    set_routed_format(layer, named_format(format));
    const auto bytes = [&](std::int64_t hit) {
      double sum = 0;
      for (const Kernel& k : expert_kernels(model, layer, {}, {512, hit})) {
        sum += k.bytes.value();
      }
      return sum;
    };
    return (bytes(33) - bytes(1)) / 32;
  };
  EXPECT_NEAR(slope(FormatName::kFp8), 44.05e6, 0.01e6);  // 3 x 7168 x 2048 and scales.
  EXPECT_NEAR(slope(FormatName::kBf16), 88.08e6, 0.01e6);
  EXPECT_NEAR(slope(FormatName::kFp4), 44.04e6 * 4.25 / 8, 0.01e6);
}

TEST(Experts, WeightOnlyFormatsMultiplyIn16Bit) {
  const ModelSpec model = made::mixtral_8x7b();
  const auto format = [&](FormatName experts) {
    LayerSpec layer = model.layers[0];
    set_routed_format(layer, named_format(experts));
    return named(expert_kernels(model, layer, {}, {4, 2}), "down").dtype;
  };
  EXPECT_EQ(format(FormatName::kInt4), Dtype::kBf16);
  EXPECT_EQ(format(FormatName::kFp8), Dtype::kFp8);
  EXPECT_EQ(format(FormatName::kFp4), Dtype::kFp4);
}

TEST(Experts, WidthIsSplitOverMoeTp) {
  const ModelSpec model = made::mixtral_8x7b();
  ParallelPlan plan;
  plan.tp = plan.moe_tp = 8;
  const Kernels split = expert_kernels(model, model.layers[0], plan, {64, 8});
  EXPECT_EQ(named(split, "gate_up").n, 2 * 1792);
  EXPECT_EQ(named(split, "down").k, 1792);
  EXPECT_EQ(gemm_flops(split) * 8, gemm_flops(expert_kernels(model, model.layers[0], {}, {64, 8})));
}

TEST(Head, StaysIn16BitAndIsPaddedAndSplit) {
  ModelSpec model = made::mixtral_8x7b();
  model.vocab_size = 32001;
  DtypePlan fp8;
  fp8.weights = FormatName::kFp8;
  ParallelPlan plan;
  plan.tp = 8;
  const Kernel head = named(head_kernels(in_formats(model, fp8), plan, 100, 3), "head");
  EXPECT_EQ(head.n, 32064 / 8);
  EXPECT_EQ(head.m, 3);
  EXPECT_EQ(head.dtype, Dtype::kBf16);
}

TEST(Head, OnlyLooksUpOnTheFirstStage) {
  const Kernels first = head_kernels(made::mixtral_8x7b(), {}, 100, 0);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_STREQ(first[0].name, "embedding");
}

TEST(ActivationBytes, AreOneHiddenStatePerToken) {
  EXPECT_EQ(activation_bytes(made::mixtral_8x7b(), 3).value(), 3 * 4096 * 2);
}

}  // namespace
}  // namespace moesim
