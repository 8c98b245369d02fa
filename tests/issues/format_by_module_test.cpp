// Formats were once one pair for a whole model: a list that named any attention turned every linear
// layer to 16 bit, the first of several groups counted for all, a norm under self_attn counted as
// the attention, and scales had the bytes of one group size.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/config/catalog.h"
#include "models/spec/model_formats.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// Llama-3.1-405B as published in fp8: attention of every layer and the first and last feed-forward
// blocks stay wide. Two layers here, of three.
TEST(FormatByModule, AnIgnoredAttentionLeavesTheRest) {
  Json config = Json::parse(R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 256,
    "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 512, "vocab_size": 128,
    "quantization_config": {"quant_method": "fbgemm_fp8", "modules_to_not_convert": []}})");
  Json& list = config["quantization_config"]["modules_to_not_convert"];
  for (const char* layer : {"0", "1", "2"}) {
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
      list.push_back(std::string("model.layers.") + layer + ".self_attn." + name);
    }
  }
  for (const char* name : {"gate_proj", "up_proj", "down_proj"}) {
    list.push_back(std::string("model.layers.0.mlp.") + name);
  }
  const ModelSpec model = read_config(config.dump(), "c.json", "c");
  const auto dtype = [&](std::size_t layer, bool attention) {
    const LayerFormats& formats = model.layers[layer].formats;
    return attention ? formats.attention.of("qkv").dtype : formats.dense.of("gate_up").dtype;
  };
  EXPECT_EQ(dtype(1, true), Dtype::kBf16);
  EXPECT_EQ(dtype(0, false), Dtype::kBf16);
  EXPECT_EQ(dtype(1, false), Dtype::kFp8);
  EXPECT_EQ(dtype(2, false), Dtype::kFp8);
}

Json mixtral() {
  return Json::parse(R"({"architectures": ["MixtralForCausalLM"], "hidden_size": 256,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 512, "num_local_experts": 4, "num_experts_per_tok": 2,
    "vocab_size": 100, "max_position_embeddings": 4096})");
}

TEST(FormatByModule, TheOrderOfGroupsDoesNotCount) {
  const Json attention = Json::parse(
      R"({"targets": ["re:.*self_attn.*"], "weights": {"num_bits": 8, "type": "float"}})");
  const Json experts = Json::parse(R"({"targets": ["re:.*experts.*"],
    "weights": {"num_bits": 4, "type": "int", "group_size": 128}})");
  const auto bytes = [](const Json& first, const Json& second) {
    Json config = mixtral();
    config["quantization_config"] = {{"quant_method", "compressed-tensors"},
                                     {"config_groups", {{"a", first}, {"b", second}}}};
    return checkpoint_bytes(read_config(config.dump(), "c.json", "c")).value();
  };
  EXPECT_EQ(bytes(attention, experts), bytes(experts, attention));
}

TEST(FormatByModule, ANormUnderTheAttentionIsNotTheAttention) {
  Json config = mixtral();
  config["quantization_config"] = {
      {"quant_method", "fp8"},
      {"modules_to_not_convert", {"model.layers.0.self_attn.q_a_layernorm", "lm_head"}}};
  const ModelSpec model = read_config(config.dump(), "c.json", "c");
  EXPECT_EQ(model.layers[0].formats.attention.of("qkv").dtype, Dtype::kFp8);
}

}  // namespace
}  // namespace moesim
