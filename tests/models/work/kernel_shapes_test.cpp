// By what measured tables find the kernels of a layer.
#include "models/work/kernel_shapes.h"

#include <gtest/gtest.h>

#include "hardware/kernels/measured_kernels.h"
#include "models/spec/model_formats.h"
#include "tests/models/made_models.h"
#include "tests/models/work/kernel_queries.h"

namespace moesim {
namespace {

AttentionShape core_shape(const LayerSpec& layer, const AttentionLoad& load, std::int64_t tp = 1) {
  ParallelPlan plan;
  plan.tp = tp;
  return named(attention_kernels(layer, plan, {}, load), "attention").attention;
}

TEST(AttentionShape, HeadsAreThoseOfOneRank) {
  const AttentionShape shape = core_shape(made::llama_2_70b().layers[0], decode_load(3, 100), 8);
  EXPECT_EQ(shape.heads, 8);
  EXPECT_EQ(shape.kv_heads, 1);
  EXPECT_EQ(shape.head_dim, 128);
  EXPECT_EQ(shape.v_head_dim, 128);
}

TEST(AttentionShape, DecodeIsTheMeanSequence) {
  AttentionLoad load;
  load.add_decode(100, 0);
  load.add_decode(300, 0);
  const AttentionShape shape = core_shape(made::llama_2_70b().layers[0], load);
  EXPECT_EQ(shape.sequences, 2);
  EXPECT_EQ(shape.keys, 200);
}

TEST(AttentionShape, UnequalChunksCountAsEqualOnesWithAsManyPairs) {
  AttentionLoad load;
  load.add_prefill(0, 300, 0);
  load.add_prefill(1000, 100, 0);
  const AttentionShape shape = core_shape(made::llama_2_70b().layers[0], load);
  EXPECT_EQ(shape.sequences, 2);
  EXPECT_EQ(shape.queries, 200);
  EXPECT_NEAR(2 * (200 * shape.keys + 200 * 201 / 2.0), load.prefill_pairs, 1e-6);
  AttentionLoad fresh;
  fresh.add_prefill(0, 300, 0);
  EXPECT_EQ(core_shape(made::llama_2_70b().layers[0], fresh).keys, 0);
}

TEST(AttentionShape, LatentDecodeSharesOneKeyOfLatentAndRotary) {
  const AttentionShape shape = core_shape(made::deepseek_v3().layers[0], decode_load(1, 100), 8);
  EXPECT_EQ(shape.heads, 16);
  EXPECT_EQ(shape.kv_heads, 1);
  EXPECT_EQ(shape.head_dim, 576);
  EXPECT_EQ(shape.v_head_dim, 512);
}

TEST(AttentionShape, SparseAndLinearCoresAreInNoTable) {
  LayerSpec layer = made::deepseek_v3().layers[0];
  for (const AttentionSpec& attention : {made::sparse_latent(), made::delta_net()}) {
    layer.attention = attention;
    for (const Kernel& kernel : attention_kernels(layer, {}, {}, decode_load(4, 10'000))) {
      EXPECT_TRUE(kernel.kind != KernelKind::kDecodeAttention || !measured_shape(kernel));
    }
  }
}

TEST(KernelShapes, AreThoseOfOneRankEachOnce) {
  ParallelPlan plan;
  plan.attention_dp = plan.ep = 4;
  const std::string csv = kernel_shapes_csv(kernel_shapes(made::mixtral_8x7b(), plan, {}));
  // Two of the eight experts are on a rank; gate and up in one matrix.
  EXPECT_NE(csv.find("grouped_gemm,bf16,bf16,,28672,4096,2,,,,,\n"), std::string::npos) << csv;
  EXPECT_NE(csv.find("decode_attention,bf16,,bf16,,,,32,8,128,128,0\n"), std::string::npos) << csv;
  EXPECT_EQ(csv.find("decode_attention"), csv.rfind("decode_attention"));
}

TEST(KernelShapes, WeightsThatAreWidenedKeepTheFormatTheyAreStoredIn) {
  DtypePlan dtypes;
  dtypes.weights = FormatName::kInt4;
  const std::string csv =
      kernel_shapes_csv(kernel_shapes(in_formats(made::llama_2_70b(), dtypes), {}, dtypes));
  EXPECT_NE(csv.find("gemm,bf16,int4,,"), std::string::npos) << csv;
}

}  // namespace
}  // namespace moesim
