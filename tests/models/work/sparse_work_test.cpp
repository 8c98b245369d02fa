// What the sparse attention of 2026 reads.
#include <gtest/gtest.h>

#include <string>

#include "models/config/catalog.h"
#include "models/spec/rank_shapes.h"
#include "models/work/layer_work.h"

namespace moesim {
namespace {

// Bytes that the attention cores of all layers read and write for one token after `context` others.
double decode_bytes(const ModelSpec& model, std::int64_t context) {
  double bytes = 0;
  for (const LayerSpec& layer : model.layers) {
    AttentionLoad load;
    load.add_decode(context, layer.attention.window);
    for (const Kernel& kernel : attention_kernels(layer, {}, {}, load)) {
      if (kernel.kind == KernelKind::kDecodeAttention) bytes += kernel.bytes.value();
    }
  }
  return bytes;
}

// Per layer of ratio 4: 512 rows of 584 B are read from 2,048 tokens on, and 132 B of index key for
// every fourth token; of ratio 128: 584 B for 128 tokens. The same queries cancel.
TEST(SparseWork, DeepseekV4ReadsCompressedRows) {
  const ModelSpec model = load_model("tests/models/configs/deepseek-v4-flash.json");
  const double grown = decode_bytes(model, 65536) - decode_bytes(model, 4096);
  EXPECT_NEAR(grown, 61440 * (21 * 33.0 + 20 * 584.0 / 128), 1);
  EXPECT_NEAR(grown / 1e6, 60.89 - 12.71, 0.01);
}

// Per sparse layer an index key of 256 B for every token; per dense layer 2 x 4 x 128 x 2 B.
TEST(SparseWork, MiniMaxM3ReadsBlocksThatAnIndexerPicks) {
  const ModelSpec model = load_model("tests/models/configs/minimax-m3.json");
  const double grown = decode_bytes(model, 65536) - decode_bytes(model, 4096);
  EXPECT_NEAR(grown, 61440 * (57 * 256.0 + 3 * 2048.0), 1);
  EXPECT_NEAR(grown / 1e6, 1598 - 324, 1);
}

// 21 layers score the context, 78 read the 2,048 keys that they picked.
TEST(SparseWork, Glm52ScoresInOneOfFourLayers) {
  const ModelSpec model = load_model("tests/models/configs/glm-5.2.json");
  const double grown = decode_bytes(model, 65536) - decode_bytes(model, 4096);
  EXPECT_NEAR(grown, 61440 * 21 * 132.0, 1);
}

TEST(SparseWork, LatentExpertsAreProjectedOnBothSides) {
  const ModelSpec model = load_model("tests/models/configs/kimi-k3.json");
  int found = 0;
  for (const Kernel& kernel : linear_kernels(model, model.layers[1], {}, {}, 10)) {
    const std::string name = kernel.name;
    if (name != "to_latent" && name != "from_latent") continue;
    EXPECT_EQ(kernel.flops.value(), 2.0 * 10 * 7168 * 3584);
    ++found;
  }
  EXPECT_EQ(found, 2);
}

// The shapes that are multiplied hold all parameters but norms, biases and convolutions.
TEST(SparseWork, MatricesAddUpToTheParameters) {
  for (const char* name : {"deepseek-v4-flash", "minimax-m3", "kimi-k3", "nemotron-3-super",
                           "gemma-4-26b-a4b", "step-3.7-flash", "glm-5.2"}) {
    const ModelSpec model = load_model("tests/models/configs/" + std::string(name) + ".json");
    for (const LayerSpec& layer : model.layers) {
      const AttentionSpec& a = layer.attention;
      if (a.kind == AttentionKind::kNone) continue;
      double elements = 0;
      for (const Matrix& matrix : attention_matrices(a, model.hidden_size, 1)) {
        elements += static_cast<double>(matrix.elements());
      }
      const double counted = static_cast<double>(a.params - a.unquantised_params);
      EXPECT_NEAR(elements, counted, 0.001 * counted) << name;
    }
  }
}

}  // namespace
}  // namespace moesim
