// One block of each method, on a model whose bytes a reader can multiply out.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "models/config/catalog.h"
#include "models/spec/model_formats.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// Two layers of 256 wide attention and four experts of width 128.
Json config(const char* block) {
  Json config = Json::parse(R"({"architectures": ["Qwen3MoeForCausalLM"], "hidden_size": 256,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
    "moe_intermediate_size": 128, "num_experts": 4, "num_experts_per_tok": 2,
    "vocab_size": 128, "max_position_embeddings": 4096})");
  if (*block != 0) config["quantization_config"] = Json::parse(block);
  return config;
}

ModelSpec read(const char* block) {
  return read_config(config(block).dump(), "c.json", "c");
}

// The faults of the formats, a line each; "" if there are none.
std::string faults_of(const ModelSpec& model) {
  std::string lines;
  for (const Fault& fault : model.format_faults) lines += fault.text() + "\n";
  return lines;
}

double bits(const MatrixFormats& formats, const char* matrix) {
  return 8 * formats.of(matrix).stored_bytes();
}
double attention_bits(const ModelSpec& model, std::size_t layer = 0) {
  return bits(model.layers[layer].formats.attention, "qkv");
}
double expert_bits(const ModelSpec& model, std::size_t layer = 0) {
  return bits(model.layers[layer].formats.routed, "down");
}
Dtype expert_activations(const ModelSpec& model) {
  return model.layers[0].formats.routed.of("down").activations;
}

struct BitsRow {
  const char* block;
  double attention;
  double experts;
  Dtype activations;
};

// Bits of one weight: elements, and their share of scales and zero points.
const BitsRow kBits[] = {
    {"", 16, 16, Dtype::kBf16},
    {R"({"quant_method": "fp8"})", 8, 8, Dtype::kFp8},
    {R"({"quant_method": "fp8", "weight_block_size": [128, 128]})", 8 + 32.0 / 16384,
     8 + 32.0 / 16384, Dtype::kFp8},
    {R"({"quant_method": "fp8", "weight_block_size": [128, 128], "scale_fmt": "ue8m0"})",
     8 + 8.0 / 16384, 8 + 8.0 / 16384, Dtype::kFp8},
    {R"({"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0})", 8, 8, Dtype::kFp8},
    {R"({"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]})", 16,
     4.25, Dtype::kFp4},
    {R"({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true})",
     4 + 16.0 / 128 + 4.0 / 128, 4 + 20.0 / 128, Dtype::kBf16},
    {R"({"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": true})", 4.5, 4.5,
     Dtype::kBf16},
    {R"({"quant_method": "gptq", "bits": 8, "group_size": 128, "sym": false})", 8 + 24.0 / 128,
     8 + 24.0 / 128, Dtype::kBf16},
    {R"({"quant_method": "gptq", "bits": 4, "group_size": 128,
         "dynamic": {"-:.*self_attn.*": {}, "+:.*experts.*": {"bits": 8}}})",
     16, 8.125, Dtype::kBf16},
    {R"({"quant_method": "bitsandbytes", "load_in_4bit": true})", 4.5, 4.5, Dtype::kBf16},
    {R"({"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups":
         {"group_0": {"targets": ["Linear"],
                      "weights": {"num_bits": 4, "type": "int", "group_size": 32}}}})",
     4.5, 4.5, Dtype::kBf16},
    {R"({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "config_groups":
         {"group_0": {"targets": ["Linear"], "input_activations": {"num_bits": 4, "type": "float"},
                      "weights": {"num_bits": 4, "type": "float", "group_size": 16}}},
         "ignore": ["re:.*self_attn.*"]})",
     16, 4.5, Dtype::kFp4},
    {R"({"quant_method": "compressed-tensors", "config_groups":
         {"group_0": {"targets": ["Linear"], "input_activations": {"num_bits": 8, "type": "int"},
                      "weights": {"num_bits": 8, "type": "int", "strategy": "channel"}}}})",
     8, 8, Dtype::kInt8},
    {R"({"quant_method": "modelopt", "quant_algo": "NVFP4", "exclude_modules":
         ["model.layers.*.self_attn*", "lm_head"]})",
     16, 4.5, Dtype::kFp4},
    {R"({"quant_algo": "FP8", "producer": {"name": "modelopt"}})", 8, 8, Dtype::kFp8},
    {R"({"quant_method": "modelopt", "quant_algo": "W4A16_NVFP4"})", 4.5, 4.5, Dtype::kBf16},
    {R"({"quant_method": "modelopt", "quant_algo": "MXFP8"})", 8.25, 8.25, Dtype::kFp8},
    {R"({"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": true,
         "extra_config": {"model.layers.0.self_attn.q_proj": {"bits": 16},
                          "model.layers.0.self_attn.k_proj": {"bits": 16},
                          "model.layers.0.self_attn.v_proj": {"bits": 16},
                          "model.layers.0.mlp.gate": {"bits": 16}}})",
     16, 4.125, Dtype::kBf16},
    {R"({"quant_method": "quark", "global_quant_config":
         {"weight": {"dtype": "fp4", "qscheme": "per_group", "group_size": 32},
          "input_tensors": {"dtype": "fp4"}}, "exclude": ["re:.*self_attn.*"]})",
     16, 4.25, Dtype::kFp4},
    {R"({"quant_method": "torchao", "quant_type": {"default":
         {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 64}}}})",
     4.5, 4.5, Dtype::kBf16},
};

TEST(Formats, EveryMethodHasItsBitsPerWeight) {
  for (const BitsRow& row : kBits) {
    const ModelSpec model = read(row.block);
    EXPECT_EQ(faults_of(model), "") << row.block;
    EXPECT_DOUBLE_EQ(attention_bits(model), row.attention) << row.block;
    EXPECT_DOUBLE_EQ(expert_bits(model), row.experts) << row.block;
    EXPECT_EQ(expert_activations(model), row.activations) << row.block;
    EXPECT_EQ(model.head_format, WeightFormat{}) << row.block;
    EXPECT_TRUE(model.format_notes.empty()) << row.block;
  }
}

TEST(Formats, BelongToLayersAndModules) {
  const ModelSpec model = read(R"({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
    "kv_cache_scheme": {"num_bits": 8, "type": "float"}, "ignore": ["mtp*"], "quantized_layers": {
      "model.layers.1.mlp.experts": {"quant_algo": "W4A16_NVFP4", "group_size": 16},
      "model.layers.0.self_attn.o_proj": {"quant_algo": "FP8"},
      "lm_head": {"quant_algo": "W4A16_NVFP4", "group_size": 16}}})");
  EXPECT_EQ(faults_of(model), "");
  EXPECT_EQ(expert_bits(model, 0), 16);
  EXPECT_EQ(expert_bits(model, 1), 4.5);
  EXPECT_EQ(bits(model.layers[0].formats.attention, "o"), 8);
  EXPECT_EQ(bits(model.layers[1].formats.attention, "o"), 16);
  EXPECT_EQ(8 * model.head_format.stored_bytes(), 4.5);
  EXPECT_EQ(model.kv_dtype, Dtype::kFp8);
}

TEST(Formats, OfExpertsMayStandBesideTheBlock) {
  Json stated = config(R"({"quant_method": "fp8", "weight_block_size": [128, 128]})");
  stated["expert_dtype"] = "fp4";
  const ModelSpec model = read_config(stated.dump(), "c.json", "c");
  EXPECT_EQ(faults_of(model), "");
  EXPECT_EQ(expert_bits(model), 4.25);
  EXPECT_EQ(expert_activations(model), Dtype::kFp8);
  EXPECT_EQ(attention_bits(model), 8 + 32.0 / 16384);
}

// Half of q, k and v: 4 x 64 of 8 x 64 columns stay in 16 bit.
TEST(Formats, SmallPartsOfAFusedMatrixMayStayWide) {
  const ModelSpec model = read(R"({"quant_method": "fp8", "modules_to_not_convert":
    ["model.layers.0.self_attn.k_proj", "model.layers.0.self_attn.v_proj"]})");
  EXPECT_DOUBLE_EQ(attention_bits(model, 0), 12);
  EXPECT_DOUBLE_EQ(attention_bits(model, 1), 8);
}

// 2 layers x 4 experts x 3 x 256 x 128 weights, 2 x (8 + 4) x 64 x 256 of attention.
TEST(Formats, DecideTheBytesOfTheCheckpoint) {
  const double before = checkpoint_bytes(read("")).value();
  const double fp8 = checkpoint_bytes(read(R"({"quant_method": "fp8"})")).value();
  EXPECT_DOUBLE_EQ(before - fp8, 2 * 4 * 3 * 256 * 128 + 2 * 12 * 64 * 256);
}

TEST(Formats, OfTheFileBesideTheConfig) {
  const ConfigFile beside{R"({"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8",
    "group_size": 16, "exclude_modules": ["lm_head", "model.layers.0.self_attn*"]}})",
                          "hf_quant_config.json"};
  const ModelSpec model = read_config(config("").dump(), "config.json", "c", beside);
  EXPECT_EQ(faults_of(model), "");
  EXPECT_EQ(attention_bits(model, 0), 16);
  EXPECT_EQ(attention_bits(model, 1), 4.5);
  EXPECT_EQ(model.kv_dtype, Dtype::kFp8);
  const ModelSpec both =
      read_config(config(R"({"quant_method": "modelopt", "quant_algo": "FP8"})").dump(),
                  "config.json", "c", beside);
  EXPECT_NE(faults_of(both).find("quant_algo FP8: NVFP4 expected, as in hf_quant_config.json"),
            std::string::npos)
      << faults_of(both);
}

TEST(Formats, ANameThatPromisesMoreThanTheFileIsNoted) {
  const ModelSpec model = read_config(config("").dump(), "c.json", "Mine-30B-FP8");
  ASSERT_EQ(model.format_notes.size(), 1u);
  EXPECT_NE(model.format_notes[0].find("Mine-30B-FP8 promises fp8"), std::string::npos);
  EXPECT_TRUE(read_config(config("").dump(), "c.json", "Mine-30B").format_notes.empty());
}

TEST(Formats, AnEmptyNameInTheFileIsNoFault) {
  auto unnamed = config("");
  unnamed["_name_or_path"] = "";
  EXPECT_TRUE(read_config(unnamed.dump(), "c.json", "Mine-30B").format_notes.empty());
}

// Layers behind the last one are those of MTP; one expert's entry does not speak for the others.
TEST(Formats, EntriesForEachExpertAreRead) {
  const ModelSpec model = read(R"({"quant_algo": "MIXED_PRECISION", "quantized_layers": {
    "model.layers.0.mlp.experts.0.up_proj": {"quant_algo": "FP8"},
    "model.layers.0.mlp.experts.0.gate_proj": {"quant_algo": "FP8"},
    "model.layers.0.mlp.experts.0.down_proj": {"quant_algo": "FP8"},
    "model.layers.0.mlp.experts.3.down_proj": {"quant_algo": "FP8"},
    "model.layers.2.mlp.experts": {"quant_algo": "FP8"}}})");
  EXPECT_EQ(faults_of(model), "");
  EXPECT_EQ(expert_bits(model, 0), 8);
  EXPECT_EQ(expert_bits(model, 1), 16);
}

TEST(Formats, AKeyThatIsNotReadIsNoted) {
  const ModelSpec model = read(R"({"quant_method": "fp8", "rotation": {"size": 64}})");
  ASSERT_EQ(model.format_notes.size(), 1u);
  EXPECT_NE(model.format_notes[0].find("quantization_config.rotation"), std::string::npos);
}

struct FaultRow {
  const char* block;
  const char* fault;
};
const FaultRow kFaults[] = {
    {R"({"quant_method": "vptq"})", "quantization_config.quant_method: vptq: one of auto-round"},
    {R"({"foo": 1})", "quantization_config.quant_method: missing: one of auto-round"},
    {R"({"quant_method": "gptq", "bits": 3})", "quantization_config.bits: 3: 4 or 8 bits expected"},
    {R"({"quant_method": "gptq", "bits": 4, "group_size": 100})",
     "group size 100: a divisor of the 256 inputs of self_attn.q_proj expected"},
    {R"({"quant_method": "awq", "quant_algo": "FP8"})", "quant_algo: FP8: absent expected"},
    {R"({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"})",
     "MIXED_PRECISION: quantized_layers expected"},
    {R"({"quant_method": "modelopt", "quant_algo": "FP7"})", "quant_algo: FP7: one of FP8"},
    {R"({"quant_method": "compressed-tensors", "config_groups": {"g": {"targets": ["re:.*moe.*"],
         "weights": {"num_bits": 8, "type": "float"}}}})",
     "re:.*moe.*: the name or pattern of a linear layer expected"},
    {R"({"quant_method": "compressed-tensors", "config_groups": {"g": {"targets": ["re:(("],
         "weights": {"num_bits": 8, "type": "float"}}}})",
     "re:((: a regular expression expected"},
    {R"({"quant_method": "compressed-tensors", "config_groups": {
         "a": {"targets": ["re:.*experts.*"], "weights": {"num_bits": 8, "type": "float"}},
         "b": {"targets": ["re:.*mlp.*"], "weights": {"num_bits": 4, "type": "int"}}}})",
     "\"re:.*experts.*\" and \"re:.*mlp.*\" give it two"},
    {R"({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "config_groups":
         {"a": {"targets": ["Linear"], "weights": {"num_bits": 8, "type": "int"}}}})",
     "4 bits of type float expected: the format is nvfp4-pack-quantized"},
};

TEST(Formats, FaultsAreNamedAndAScenarioMayGoOnWithoutThem) {
  for (const FaultRow& row : kFaults) {
    const ModelSpec model = read(row.block);
    EXPECT_NE(faults_of(model).find(row.fault), std::string::npos) << row.block << "\n"
                                                                   << faults_of(model);
    EXPECT_THROW(in_formats(model, {}), InputError) << row.block;
    DtypePlan stated;
    stated.weights = FormatName::kFp8;
    EXPECT_EQ(attention_bits(in_formats(model, stated)), 8 + 32.0 / 16384) << row.block;
  }
}

}  // namespace
}  // namespace moesim
