#include <gtest/gtest.h>

#include "models/work/layer_work.h"
#include "tests/models/made_models.h"
#include "tests/models/work/kernel_queries.h"

namespace moesim {
namespace {

TEST(AttentionLoad, CountsCausalPairs) {
  AttentionLoad load;
  load.add_prefill(0, 4, 0);
  EXPECT_EQ(load.prefill_pairs, 1 + 2 + 3 + 4);
  EXPECT_EQ(load.prefill_keys, 4);
  load.add_prefill(10, 2, 0);
  EXPECT_EQ(load.prefill_pairs, 10 + 11 + 12);
  EXPECT_EQ(load.prefill_keys, 4 + 12);
  EXPECT_EQ(load.prefill_tokens, 6);
}

TEST(AttentionLoad, CutsAtTheWindow) {
  for (const std::int64_t past : {0, 1, 2, 3, 4, 9}) {
    for (const std::int64_t tokens : {1, 2, 3, 4, 5, 20}) {
      AttentionLoad load;
      load.add_prefill(past, tokens, 3);
      double pairs = 0;
      for (std::int64_t i = 1; i <= tokens; ++i) {
        pairs += static_cast<double>(std::min<std::int64_t>(past + i, 3));
      }
      EXPECT_EQ(load.prefill_pairs, pairs) << past << " " << tokens;
      EXPECT_EQ(load.prefill_keys, std::min<std::int64_t>(past, 2) + tokens);
    }
  }
}

TEST(AttentionLoad, DecodeReadsAtMostTheWindow) {
  AttentionLoad load;
  load.add_decode(127, 128);
  load.add_decode(128, 128);
  load.add_decode(129, 128);
  load.add_decode(1000, 0);
  EXPECT_EQ(load.decode_keys, 127 + 128 + 128 + 1000);
  EXPECT_EQ(load.decode_sequences, 4);
}

// 2 (K and V) x 1 KV head x 128 x 2 bytes per key on each of 8 ranks, queries and results aside.
TEST(DecodeAttention, ReadsTheCacheOnce) {
  const ModelSpec model = made::llama_2_70b();
  ParallelPlan plan;
  plan.tp = 8;
  const auto bytes = [&](std::int64_t context, Dtype kv) {
    DtypePlan dtypes;
    dtypes.kv = kv;
    return named(attention_kernels(model.layers[0], plan, dtypes, decode_load(10, context)),
                 "attention")
        .bytes.value();
  };
  EXPECT_EQ(bytes(2000, Dtype::kBf16) - bytes(1000, Dtype::kBf16), 10 * 1000 * 512.0);
  EXPECT_EQ(bytes(2000, Dtype::kFp8) - bytes(1000, Dtype::kFp8), 10 * 1000 * 256.0);
}

TEST(DecodeAttention, LatentIsReadByAllHeadsAndNotSplit) {
  const LayerSpec layer = made::deepseek_v3().layers[0];
  const auto core = [&](std::int64_t tp, std::int64_t context) {
    ParallelPlan plan;
    plan.tp = tp;
    return named(attention_kernels(layer, plan, {}, decode_load(1, context)), "attention");
  };
  for (const std::int64_t tp : {1, 8}) {
    EXPECT_EQ(core(tp, 2000).bytes.value() - core(tp, 1000).bytes.value(), 1000 * 576 * 2.0);
  }
  EXPECT_EQ(core(1, 1).flops.value(), 2.0 * 128 * (2 * 512 + 64));
  EXPECT_EQ(core(8, 1).flops.value(), 2.0 * 16 * (2 * 512 + 64));
}

TEST(DecodeAttention, AbsorbedProjectionsAreOneSmallGemmPerHead) {
  const LayerSpec layer = made::deepseek_v3().layers[0];
  const Kernels kernels = attention_kernels(layer, {}, {}, decode_load(4, 100));
  const Kernel into = named(kernels, "w_uk");
  EXPECT_EQ(into.groups, 128);
  EXPECT_EQ(into.flops.value(), 2.0 * 128 * 4 * 128 * 512);
  EXPECT_EQ(named(kernels, "w_uv").k, 512);
}

TEST(DecodeAttention, SparseLayersReadTheChosenKeysOnly) {
  LayerSpec layer = made::deepseek_v3().layers[0];
  layer.attention = made::sparse_latent();
  const auto core = [&](std::int64_t context, const char* name) {
    return named(attention_kernels(layer, {}, {}, decode_load(3, context)), name);
  };
  EXPECT_LT(core(2047, "attention").flops, core(2048, "attention").flops);
  EXPECT_EQ(core(2048, "attention").flops, core(100000, "attention").flops);
  EXPECT_EQ(core(2048, "attention").bytes, core(100000, "attention").bytes);
  // The indexer reads all its keys: 128 in fp8 and a scale.
  EXPECT_EQ((core(2000, "index_logits").bytes - core(1000, "index_logits").bytes).value(),
            3 * 1000 * 132.0);
}

TEST(DecodeAttention, LinearLayersMoveTheirStateWhateverTheContext) {
  LayerSpec layer;
  layer.attention = made::delta_net();
  const Kernels near = attention_kernels(layer, {}, {}, decode_load(5, 10));
  const Kernels far = attention_kernels(layer, {}, {}, decode_load(5, 100000));
  const double state = 32.0 * 128 * 128;
  EXPECT_EQ(near[0].bytes.value(), 5 * (state * 4 + 8192 * 3 * 2) * 2);
  EXPECT_EQ(near[0].bytes, far[0].bytes);
  EXPECT_EQ(near[0].flops.value(), 5 * state * 4);
}

TEST(PrefillAttention, LinearLayersCostTheSamePerToken) {
  LayerSpec layer;
  layer.attention = made::delta_net();
  const auto cost = [&](std::int64_t tokens) {
    AttentionLoad load;
    load.add_prefill(0, tokens, 0);
    return attention_kernels(layer, {}, {}, load)[0].flops.value();
  };
  EXPECT_EQ(cost(2000), 2 * cost(1000));
  // Per head and token 4 d_k d_v for the state, 2 x 64 (d_k + d_v) inside the chunk.
  EXPECT_EQ(cost(1), 32.0 * (4 * 128 * 128 + 2 * 64 * 256));
}

TEST(PrefillAttention, ExpandsCachedLatentsAgain) {
  const LayerSpec layer = made::deepseek_v3().layers[0];
  AttentionLoad load;
  load.add_prefill(1000, 24, 0);
  const Kernels kernels = attention_kernels(layer, {}, {}, load);
  EXPECT_EQ(named(kernels, "kv_b").m, 1024);
  EXPECT_EQ(named(kernels, "attention").keys, 1013);  // Mean of 1001 .. 1024, rounded.
}

}  // namespace
}  // namespace moesim
