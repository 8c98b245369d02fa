#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/input_error.h"
#include "models/config/catalog.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// A small valid Mixtral config to change.
Json mixtral() {
  return Json::parse(R"({"architectures": ["MixtralForCausalLM"], "hidden_size": 8,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 16, "num_local_experts": 4, "num_experts_per_tok": 2,
    "vocab_size": 100, "max_position_embeddings": 4096})");
}

ModelSpec read(const Json& config) {
  return read_config(config.dump(), "c.json", "c");
}

// All fault lines, or "accepted".
std::string faults_of(const std::string& text) {
  try {
    read_config(text, "c.json", "c");
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

std::string faults_with(const char* field, const Json& value) {
  Json config = mixtral();
  config[field] = value;
  return faults_of(config.dump(2));
}

// The catalog's own file of a model with one field changed.
Json shipped(const std::string& name) {
  return Json::parse(read_file(data_folder("models/catalog") + "/" + name + ".json"));
}

// ---- Wrong files -----------------------------------------------------------------------------

TEST(BadConfig, ValidBaseIsAccepted) {
  EXPECT_EQ(faults_of(mixtral().dump()), "accepted");
}

TEST(BadConfig, MissingFieldNamesItself) {
  Json config = mixtral();
  config.erase("hidden_size");
  EXPECT_EQ(faults_of(config.dump(2)),
            "c.json:1: hidden_size: missing: a whole number from 1 to 10000000 expected");
}

TEST(BadConfig, NullCountsAsMissing) {
  EXPECT_EQ(faults_with("hidden_size", nullptr),
            "c.json:1: hidden_size: missing: a whole number from 1 to 10000000 expected");
}

TEST(BadConfig, StringForNumberIsRefused) {
  EXPECT_EQ(faults_with("hidden_size", "8"),
            "c.json:5: hidden_size: \"8\": a whole number from 1 to 10000000 expected");
}

TEST(BadConfig, NegativeZeroHugeAndFractionAreRefused) {
  const std::string allowed = ": a whole number from 1 to 10000000 expected";
  EXPECT_EQ(faults_with("hidden_size", -8), "c.json:5: hidden_size: -8" + allowed);
  EXPECT_EQ(faults_with("hidden_size", 0), "c.json:5: hidden_size: 0" + allowed);
  EXPECT_EQ(faults_with("hidden_size", 10'000'001), "c.json:5: hidden_size: 10000001" + allowed);
  EXPECT_EQ(faults_with("hidden_size", 8.5), "c.json:5: hidden_size: 8.5" + allowed);
  EXPECT_EQ(faults_with("num_hidden_layers", 100'001),
            "c.json:6: num_hidden_layers: 100001: a whole number from 1 to 100000 expected");
}

TEST(BadConfig, HeadsThatDoNotDivideAreRefused) {
  EXPECT_EQ(faults_with("num_key_value_heads", 3),
            "c.json:8: num_key_value_heads: 3: a divisor of the 4 attention heads expected");
  EXPECT_EQ(faults_with("hidden_size", 10),
            "c.json:7: num_attention_heads: 4: a divisor of hidden_size 10 expected, or head_dim "
            "given");
}

TEST(BadConfig, TopKAboveTheExpertsIsRefused) {
  EXPECT_EQ(faults_with("num_experts_per_tok", 5),
            "c.json:11: num_experts_per_tok: 5: at most the 4 experts expected");
  EXPECT_EQ(faults_with("num_experts_per_tok", 4), "accepted");
}

TEST(BadConfig, GroupsThatDoNotDivideTheExpertsAreRefused) {
  Json config = shipped("deepseek-v3");
  config["n_group"] = 7;
  EXPECT_NE(faults_of(config.dump(2)).find(": n_group: 7: a divisor of the 256 experts expected"),
            std::string::npos);
  config["n_group"] = 8;
  config["topk_group"] = 9;
  EXPECT_NE(faults_of(config.dump(2)).find(": topk_group: 9: at most n_group 8 expected"),
            std::string::npos);
}

TEST(BadConfig, UnknownArchitectureIsNamedWithTheSupportedOnes) {
  const std::string fault = faults_with("architectures", {"Mixtrel2ForCausalLM"});
  EXPECT_EQ(
      fault.rfind("c.json:3: architectures[0]: Mixtrel2ForCausalLM: the nearest known name is "
                  "MixtralForCausalLM; all fields of ",
                  0),
      0u)
      << fault;
  EXPECT_NE(fault.find("Qwen3MoeForCausalLM"), std::string::npos);
}

TEST(BadConfig, MissingArchitectureIsNamed) {
  EXPECT_EQ(faults_of("{\"hidden_size\": 8}")
                .rfind("c.json:1: architectures: missing: a list with one of ", 0),
            0u);
}

TEST(BadConfig, MechanismsThatCannotBeRepresentedAreRefused) {
  EXPECT_EQ(faults_with("is_encoder_decoder", true),
            "c.json:14: is_encoder_decoder: true: false expected: only decoders can be read");
  EXPECT_EQ(faults_with("compress_ratios", {0, 4}),
            "c.json:14: compress_ratios: a list: absent expected: this mechanism cannot be "
            "represented in MixtralForCausalLM");
}

TEST(BadConfig, AllFaultsAreReportedAtOnce) {
  Json config = mixtral();
  config.erase("vocab_size");
  config["hidden_size"] = -1;
  config["num_local_experts"] = "four";
  const std::string faults = faults_of(config.dump(2));
  EXPECT_NE(faults.find("vocab_size: missing"), std::string::npos);
  EXPECT_NE(faults.find("hidden_size: -1"), std::string::npos);
  EXPECT_NE(faults.find("num_local_experts: \"four\""), std::string::npos);
  EXPECT_EQ(std::count(faults.begin(), faults.end(), '\n'), 2);
}

TEST(BadConfig, EmptyFileIsNamed) {
  EXPECT_EQ(faults_of(""), "c.json: the file is empty");
}

TEST(BadConfig, TruncatedFileIsNamed) {
  const std::string fault = faults_of("{\n\"architectures\": [\"MixtralForCausalLM\"],\n");
  EXPECT_EQ(fault.rfind("c.json:3: not valid YAML or JSON", 0), 0u) << fault;
}

TEST(BadConfig, ListOrTextInsteadOfFieldsIsRefused) {
  EXPECT_EQ(faults_of("[1, 2]"), "c.json:1: a list: the fields of a config.json expected");
  EXPECT_EQ(faults_of("hello"), "c.json:1: hello: the fields of a config.json expected");
}

TEST(BadConfig, ListsMustHaveOneItemPerLayer) {
  Json config = shipped("mimo-v2-flash");
  config["hybrid_layer_pattern"] = {0, 1};
  EXPECT_NE(faults_of(config.dump(2))
                .find("hybrid_layer_pattern: a list of 2: one item for each of the 48 layers "
                      "expected"),
            std::string::npos);
}

TEST(BadConfig, ParametersBeyondAnyModelAreRefused) {
  Json config = mixtral();
  for (const char* field : {"hidden_size", "intermediate_size"}) config[field] = 10'000'000;
  config["num_local_experts"] = 100'000;
  config["head_dim"] = 2;
  EXPECT_EQ(faults_of(config.dump(2)).rfind("c.json:1: 6e+19 parameters: at most 1e+15", 0), 0u)
      << faults_of(config.dump(2));
}

TEST(BadConfig, FaultInANestedConfigShowsThePath) {
  Json config = shipped("llama-4-scout");
  config["text_config"]["hidden_size"] = -1;
  EXPECT_NE(faults_of(config.dump(2)).find(": text_config.hidden_size: -1: "), std::string::npos);
}

TEST(BadConfig, EveryFieldOfEveryArchitectureMayBeBrokenWithoutACrash) {
  const std::vector<Json> broken = {nullptr, -1, 1e18, "x", Json::array()};
  std::set<std::string> seen;
  for (const std::string& name : catalog_names()) {
    const Json config = shipped(name);
    if (!seen.insert(config.at("architectures")[0].get<std::string>()).second) continue;
    for (const auto& field : config.items()) {
      for (const Json& value : broken) {
        Json changed = config;
        changed[field.key()] = value;
        EXPECT_NO_THROW(faults_of(changed.dump())) << name << " " << field.key() << " " << value;
      }
    }
  }
}

// ---- JSON that is not quite YAML
// -----------------------------------------------------------------

TEST(ConfigText, TabsAndEscapesAreRead) {
  std::string text = mixtral().dump(1, '\t');
  text.insert(1, "\n\t\"note\": \"a \\\"quote\\\", a \\/ slash, \\u00e9, \\ud83d\\ude00\",");
  EXPECT_EQ(faults_of(text), "accepted");
}

TEST(ConfigText, UnknownFieldsAreIgnored) {
  EXPECT_EQ(faults_with("some_new_flag", 1), "accepted");
}

// ---- What the fields mean
// ------------------------------------------------------------------------

TEST(Fields, DensePrefixComesFirst) {
  const ModelSpec model = load_model("deepseek-v3");
  EXPECT_EQ(model.layers[2].dense_width, 18432);
  EXPECT_FALSE(model.layers[2].moe);
  EXPECT_EQ(model.layers[3].dense_width, 0);
  EXPECT_TRUE(model.layers[3].moe);
}

TEST(Fields, InterleavedExpertsSitInEverySecondLayerOfMaverick) {
  const ModelSpec model = load_model("llama-4-maverick");
  for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(model.layers[i].moe.has_value(), i % 2 == 1);
  EXPECT_EQ(model.layers[0].dense_width, 16384);
}

TEST(Fields, ChunkedAttentionLeavesEveryFourthLayerWhole) {
  const ModelSpec model = load_model("llama-4-scout");
  for (std::size_t i = 0; i < 48; ++i) {
    EXPECT_EQ(model.layers[i].attention.window, i % 4 == 3 ? 0 : 8192);
  }
}

TEST(Fields, GptOssAlternatesWithoutLayerTypesToo) {
  Json config = shipped("gpt-oss-20b");
  config.erase("layer_types");
  EXPECT_TRUE(read(config).layers == load_model("gpt-oss-20b").layers);
}

TEST(Fields, MimoHasItsOwnHeadsInWindowedLayers) {
  const ModelSpec model = load_model("mimo-v2-flash");
  EXPECT_EQ(model.layers[0].attention.num_kv_heads, 4);
  EXPECT_EQ(model.layers[0].attention.window, 0);
  EXPECT_EQ(model.layers[1].attention.num_kv_heads, 8);
  EXPECT_EQ(model.layers[1].attention.window, 128);
  EXPECT_EQ(model.layers[1].attention.v_head_dim, 128);
}

TEST(Fields, WindowOfTheWholeContextIsNoWindow) {
  Json config = mixtral();
  config["sliding_window"] = 4096;
  EXPECT_EQ(read(config).layers[0].attention.window, 0);
  config["sliding_window"] = 4095;
  EXPECT_EQ(read(config).layers[0].attention.window, 4095);
}

TEST(Fields, QwenWindowNeedsItsSwitch) {
  Json config = shipped("qwen3-8b");
  config["sliding_window"] = 4096;
  config["max_window_layers"] = 30;
  EXPECT_EQ(read(config).layers[35].attention.window, 0);
  config["use_sliding_window"] = true;
  EXPECT_EQ(read(config).layers[29].attention.window, 0);
  EXPECT_EQ(read(config).layers[30].attention.window, 4096);
}

TEST(Fields, MlpOnlyLayersAndSparseStepMakeDenseLayers) {
  Json config = shipped("qwen3-30b-a3b");
  config["mlp_only_layers"] = {5};
  config["decoder_sparse_step"] = 2;
  const ModelSpec model = read(config);
  EXPECT_EQ(model.num_moe_layers(), 23);  // Odd layers, but not the 5th.
  EXPECT_EQ(model.layers[5].dense_width, 6144);
}

TEST(Fields, EachLongCatLayerIsTwoWithExpertsInTheFirst) {
  const ModelSpec model = load_model("longcat-flash");
  ASSERT_EQ(model.layers.size(), 56u);
  EXPECT_TRUE(model.layers[0].moe);
  EXPECT_FALSE(model.layers[1].moe);
  EXPECT_EQ(model.layers[0].dense_width, 12288);
  EXPECT_EQ(model.layers[1].dense_width, 12288);
}

TEST(Fields, HybridsPutFullAttentionWhereTheirConfigsSay) {
  const ModelSpec qwen = load_model("qwen3-next-80b-a3b");
  EXPECT_EQ(qwen.layers[2].attention.kind, AttentionKind::kLinear);
  EXPECT_EQ(qwen.layers[3].attention.kind, AttentionKind::kGrouped);
  const ModelSpec jamba = load_model("jamba-v0.1");
  EXPECT_EQ(jamba.layers[4].attention.kind, AttentionKind::kGrouped);
  EXPECT_EQ(jamba.layers[5].attention.kind, AttentionKind::kLinear);
  EXPECT_EQ(jamba.layers[5].attention.state_elements, 8192 * 16);
  EXPECT_EQ(jamba.layers[5].attention.conv_elements, 8192 * 3);
}

TEST(Fields, NestedTextConfigReadsAsTheModelItself) {
  Json text = shipped("kimi-k2");
  Json config = {{"architectures", {"KimiK25ForConditionalGeneration"}}};
  text.erase("architectures");
  config["text_config"] = text;
  EXPECT_TRUE(read(config).layers == load_model("kimi-k2").layers);
}

TEST(Fields, PerLayerListsOfHunyuanAreHonoured) {
  Json config = shipped("hunyuan-a13b");
  config["moe_topk"][7] = 4;
  const ModelSpec model = read(config);
  EXPECT_EQ(model.layers[6].moe->top_k, 8);
  EXPECT_EQ(model.layers[7].moe->top_k, 4);
}

TEST(Fields, SparseIndexerAddsItsProjections) {
  const AttentionSpec with = load_model("deepseek-v3.2").layers[0].attention;
  const AttentionSpec without = load_model("deepseek-v3").layers[0].attention;
  EXPECT_EQ(with.params - without.params, 1536 * 64 * 128 + 7168 * 128 + 7168 * 64 + 2 * 128);
  EXPECT_EQ(with.index_topk, 2048);
}

TEST(Routers, FollowTheFamily) {
  const RouterSpec v3 = load_model("deepseek-v3").moe().router;
  EXPECT_EQ(v3.score, ScoreFunction::kSigmoid);
  EXPECT_TRUE(v3.correction_bias && v3.renormalise);
  EXPECT_EQ(v3.num_groups, 8);
  EXPECT_EQ(v3.top_groups, 4);
  EXPECT_EQ(v3.scaling, 2.5);
  const RouterSpec v2 = load_model("deepseek-v2").moe().router;
  EXPECT_EQ(v2.group_score, GroupScore::kLargest);
  EXPECT_FALSE(v2.correction_bias || v2.renormalise);
  const RouterSpec mixtral_router = load_model("mixtral-8x7b").moe().router;
  EXPECT_EQ(mixtral_router.order, SelectionOrder::kTopKThenScore);
  EXPECT_TRUE(load_model("gpt-oss-120b").moe().router.gate_bias);
  EXPECT_FALSE(load_model("olmoe-1b-7b").moe().router.renormalise);
  EXPECT_TRUE(load_model("qwen3-30b-a3b").moe().router.renormalise);
  EXPECT_EQ(load_model("llama-4-scout").moe().router.score, ScoreFunction::kSigmoid);
  EXPECT_EQ(load_model("longcat-flash").moe().router.num_zero_experts, 256);
  EXPECT_TRUE(load_model("ernie-4.5-21b-a3b").moe().router.correction_bias);
}

}  // namespace
}  // namespace moesim
