// One configuration of every family of 2026, reduced to the fields that are read. Totals and active
// parameters were added up by hand from the shapes of the published checkpoints.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/document.h"
#include "base/input_error.h"
#include "models/config/catalog.h"
#include "models/spec/kv_bytes.h"

namespace moesim {
namespace {

constexpr const char* kFolder = "tests/models/configs/";

struct Published {
  const char* name;
  const char* architecture;
  std::int64_t total;
  std::int64_t active;
  std::int64_t active_no_embedding;
  double kv_bytes;     // Growing cache of a token, 16 bit unless the family has its own rows.
  double index_bytes;  // Keys of sparse indexers, of a token.
  double state_bytes;  // Of a sequence: states, convolutions, rows of the last tokens.
};

// clang-format off
const Published kPublished[] = {
    {"deepseek-v4-flash", "DeepseekV4ForCausalLM", 284'332'240'471, 13'799'632'471, 13'270'101'591, 3157.25, 693, 12'206'080 + 3'214'336},
    {"deepseek-v4-pro", "DeepseekV4ForCausalLM", 1'572'997'201'763, 49'779'081'059, 48'852'402'019, 4521.4375, 990, 18'710'528 + 4'559'872},
    {"kimi-k3", "KimiK3ForConditionalGeneration", 2'779'484'476'000, 105'364'017'760, 104'189'612'640, 27'648, 0, 434'110'464 + 15'261'696},
    {"kimi-linear-48b-a3b", "KimiLinearForCausalLM", 49'122'681'728, 3'484'459'904, 3'106'972'544, 8'064, 0, 41'943'040 + 1'474'560},
    {"minimax-m3", "MiniMaxM3ForCausalLM", 426'174'572'928, 25'962'473'856, 24'733'280'640, 122'880, 14'592, 0},
    {"nemotron-3-nano", "NemotronHForCausalLM", 31'577'940'288, 3'580'076'352, 3'227'754'816, 6'144, 0, 48'234'496 + 847'872},
    {"nemotron-3-super", "NemotronHForCausalLM", 120'668'707'840, 12'770'237'440, 12'233'366'528, 8'192, 0, 167'772'160 + 2'457'600},
    {"gemma-4-26b-a4b", "Gemma4ForConditionalGeneration", 25'233'141'790, 3'822'530'590, 3'822'530'590, 20'480, 0, 0},
    {"gemma-4-31b", "Gemma4ForConditionalGeneration", 30'697'345'340, 30'697'345'340, 30'697'345'340, 81'920, 0, 0},
    {"qwen3-vl-8b", "Qwen3VLForConditionalGeneration", 8'190'735'360, 8'190'735'360, 7'568'405'504, 147'456, 0, 0},
    {"qwen3-vl-235b-a22b", "Qwen3VLMoeForConditionalGeneration", 235'093'634'560, 22'190'763'520, 21'568'433'664, 192'512, 0, 0},
    {"qwen3.5-27b", "Qwen3_5ForConditionalGeneration", 26'895'998'464, 26'895'998'464, 25'624'600'064, 65'536, 0, 150'994'944 + 2'949'120},
    {"qwen3.6-35b-a3b", "Qwen3_5MoeForConditionalGeneration", 34'660'610'688, 3'454'988'928, 2'946'429'568, 20'480, 0, 62'914'560 + 1'474'560},
    {"step-3.7-flash", "Step3p7ForConditionalGeneration", 196'956'130'368, 11'987'323'968, 11'459'365'952, 49'152, 0, 0},
    {"step-3.7-curated", "Step3p7FlashForCausalLM", 195'832'712'256, 10'863'905'856, 10'335'947'840, 49'152, 0, 0},
    {"mimo-7b", "MiMoForCausalLM", 7'622'619'136, 7'622'619'136, 7'001'337'856, 147'456, 0, 0},
    {"glm-4.7-flash", "Glm4MoeLiteForCausalLM", 29'943'393'920, 3'896'766'080, 3'579'571'840, 54'144, 0, 0},
    {"glm-5.2", "GlmMoeDsaForCausalLM", 743'377'019'904, 41'250'530'304, 40'298'947'584, 89'856, 2'772, 0},
    {"nemotron-super-49b", "DeciLMForCausalLM", 49'867'145'216, 49'867'145'216, 48'816'472'064, 200'704, 0, 0},
};
// clang-format on

ModelSpec load(const std::string& name) {
  return load_model(kFolder + name + ".json");
}

TEST(Families, CountWhatIsPublished) {
  for (const Published& one : kPublished) {
    SCOPED_TRACE(one.name);
    const ModelSpec model = load(one.name);
    const ParameterCounts counts = count_parameters(model);
    EXPECT_EQ(model.architecture, one.architecture);
    EXPECT_EQ(counts.total, one.total);
    EXPECT_EQ(counts.active, one.active);
    EXPECT_EQ(counts.active_no_embedding, one.active_no_embedding);
    EXPECT_EQ(kv_bytes_per_token(model, Dtype::kBf16).value(), one.kv_bytes);
    EXPECT_EQ(index_bytes_per_token(model).value(), one.index_bytes);
    double states = 0;
    for (const LayerSpec& layer : model.layers) states += state_bytes(layer.attention, 1).value();
    EXPECT_EQ(states, one.state_bytes);
  }
}

// GFLOP of scores, values, indexers and states of one token after 4,096 and 65,536 others.
TEST(Families, AttentionReadsWhatTheyDo) {
  const auto gflop = [](const char* name, std::int64_t context) {
    return mixing_flops_per_token(load(name), context).value() / 1e9;
  };
  EXPECT_NEAR(gflop("deepseek-v4-flash", 4096), 2.567, 0.001);
  EXPECT_NEAR(gflop("deepseek-v4-flash", 65536), 9.110, 0.001);
  EXPECT_NEAR(gflop("deepseek-v4-pro", 65536), 22.314, 0.001);
  EXPECT_NEAR(gflop("deepseek-v4-pro", 1 << 20), 205.5, 0.1);
  EXPECT_NEAR(gflop("minimax-m3", 4096), 4.467, 0.001);
  EXPECT_NEAR(gflop("minimax-m3", 65536), 14.093, 0.001);
  EXPECT_NEAR(gflop("gemma-4-26b-a4b", 65536), 11.16, 0.01);
  EXPECT_NEAR(gflop("qwen3.5-27b", 4096), 1.875, 0.001);
  EXPECT_NEAR(gflop("qwen3.5-27b", 65536), 26.03, 0.01);
  EXPECT_NEAR(gflop("glm-5.2", 4096), 11.17, 0.01);
  EXPECT_NEAR(gflop("glm-5.2", 65536), 21.74, 0.01);
}

// Windowed layers: 25 of 8 x 2 x 256 x 2 B in Gemma-4-26B, full ones 5 of 2 x 2 x 512 x 2 B.
TEST(Families, WindowsFillUp) {
  const ModelSpec gemma = load("gemma-4-26b-a4b");
  EXPECT_EQ(kv_bytes(gemma, 1024, Dtype::kBf16).value(), 1024.0 * (204'800 + 20'480));
  EXPECT_EQ(kv_bytes(gemma, 2048, Dtype::kBf16).value(), 1024.0 * 204'800 + 2048.0 * 20'480);
  EXPECT_EQ(kv_bytes(load("step-3.7-flash"), 512, Dtype::kBf16).value(),
            512.0 * (135'168 + 49'152));
}

TEST(Families, LatentExpertsSendNarrowTokens) {
  EXPECT_EQ(load("kimi-k3").moe().expert_input, 3584);
  EXPECT_EQ(load("nemotron-3-super").moe().expert_input, 1024);
  EXPECT_EQ(load("nemotron-3-nano").moe().expert_input, 2688);
}

TEST(Families, NamesWhatIsNotModelled) {
  EXPECT_EQ(load("step-3.7-curated").not_modelled.size(), 1u);
  EXPECT_TRUE(load("step-3.7-flash").not_modelled.empty());
  auto config = nlohmann::ordered_json::parse(read_file(std::string(kFolder) + "qwen3-vl-8b.json"));
  config["vision_config"] = {{"depth", 27},
                             {"hidden_size", 1152},
                             {"intermediate_size", 4304},
                             {"out_hidden_size", 4096},
                             {"spatial_merge_size", 2}};
  const ModelSpec vision = read_config(config.dump(), "c.json", "c");
  EXPECT_EQ(vision.not_modelled.size(), 1u);
  EXPECT_EQ(vision.tower_params, 27 * (4 * 1152 * 1152 + 2 * 1152 * 4304) + 4608 * (4608 + 4096));
}

// ---- Refusals --------------------------------------------------------------------------------

std::string refusal(const std::string& name, const char* field,
                    const nlohmann::ordered_json& value) {
  auto config = nlohmann::ordered_json::parse(read_file(kFolder + name + ".json"));
  config[field] = value;
  try {
    read_config(config.dump(1), "c.json", "c");
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Families, RefuseWhatNoSourceDescribes) {
  const auto names = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(names(refusal("gemma-4-31b", "hidden_size_per_layer_input", 256), "E2B, E4B"));
  EXPECT_TRUE(names(refusal("minimax-m3", "attention_output_gate", true), "false expected"));
  EXPECT_TRUE(names(refusal("nemotron-3-nano", "use_bias", true), "false expected"));
  EXPECT_TRUE(names(refusal("nemotron-3-nano", "block_configs", {1}), "cannot be represented"));
  EXPECT_TRUE(names(refusal("nemotron-3-nano", "num_hidden_layers", 51), "the pattern, 52"));
  EXPECT_TRUE(names(refusal("deepseek-v4-flash", "compress_ratios", {0, 8}), "0, 4 or 128"));
  EXPECT_TRUE(names(refusal("glm-5.2", "index_topk", 0), "index_topk"));
}

TEST(Families, NoBrokenFieldCrashes) {
  const std::vector<nlohmann::ordered_json> broken = {nullptr, 0, -1, 1e18, "x", {1, 0}};
  for (const Published& one : kPublished) {
    const auto config =
        nlohmann::ordered_json::parse(read_file(kFolder + std::string(one.name) + ".json"));
    for (const auto& field : config.items()) {
      for (const auto& value : broken) {
        EXPECT_NO_THROW(refusal(one.name, field.key().c_str(), value)) << one.name << field.key();
      }
    }
  }
}

TEST(Families, ARefusalNamesTheClassWithTheSameFields) {
  const std::string fault =
      refusal("kimi-linear-48b-a3b", "architectures", {"KimiLinear2ForCausalLM"});
  EXPECT_NE(fault.find("the nearest known name is KimiLinearForCausalLM"), std::string::npos);
  EXPECT_NE(fault.find("all fields of Kimi"), std::string::npos);
}

}  // namespace
}  // namespace moesim
