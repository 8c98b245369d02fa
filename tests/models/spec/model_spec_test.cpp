#include "models/spec/model_spec.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "models/config/catalog.h"
#include "models/spec/dense_twin.h"
#include "models/spec/kv_bytes.h"
#include "models/spec/model_card.h"

namespace moesim {
namespace {

// Two layers, hidden 8: 4 heads of 2 with 2 KV heads, 4 experts of width 16, top-2.
ModelSpec tiny_moe() {
  const std::string config = R"({"architectures": ["MixtralForCausalLM"], "hidden_size": 8,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 16, "num_local_experts": 4, "num_experts_per_tok": 2,
    "vocab_size": 100})";
  return read_config(config, "tiny.json", "tiny");
}

TEST(Parameters, OfMixtralsExpertAreThreeMatrices) {
  EXPECT_EQ(load_model("mixtral-8x7b").moe().expert_params(), 3ll * 4096 * 14336);
}

TEST(Parameters, OfATinyLayerCanBeCountedByHand) {
  const ModelSpec model = tiny_moe();
  const LayerParameters count = count_parameters(model, model.layers[0]);
  EXPECT_EQ(count.attention, 8 * 8 + 8 * 4 + 8 * 4 + 8 * 8);  // q, k, v, o.
  EXPECT_EQ(count.norms, 2 * 8);
  EXPECT_EQ(count.gate, 4 * 8);
  EXPECT_EQ(count.routed, 4 * 3 * 8 * 16);
  EXPECT_EQ(count.routed_active, 2 * 3 * 8 * 16);
  EXPECT_EQ(count.dense + count.shared, 0);
}

TEST(Parameters, ConventionsDifferByEmbeddingAndHead) {
  const ParameterCounts counts = count_parameters(tiny_moe());
  EXPECT_EQ(counts.active - counts.active_no_embedding, 800);
  EXPECT_EQ(counts.active_no_embedding - counts.active_no_vocabulary, 800);
  EXPECT_EQ(counts.total - counts.active, 2 * 2 * 3 * 8 * 16);  // Two idle experts, two layers.
}

TEST(Parameters, TiedEmbeddingIsCountedOnceAndServesAsHead) {
  ModelSpec model = tiny_moe();
  const ParameterCounts untied = count_parameters(model);
  model.tied_embeddings = true;
  const ParameterCounts tied = count_parameters(model);
  EXPECT_EQ(untied.total - tied.total, 800);
  EXPECT_EQ(tied.active, tied.active_no_embedding);
}

TEST(Parameters, OfZeroExpertsAreOnlyTheirGateRows) {
  const ModelSpec longcat = load_model("longcat-flash");
  const LayerParameters count = count_parameters(longcat, longcat.layers[0]);
  EXPECT_EQ(count.gate, 768 * (6144 + 1));
  EXPECT_EQ(count.routed_active, 8 * 3ll * 6144 * 2048);  // 12 * 512 / 768 real picks.
}

TEST(Parameters, BiasesOfGptOssExpertsCount) {
  EXPECT_EQ(load_model("gpt-oss-20b").moe().expert_params(), 3ll * 2880 * 2880 + 3 * 2880);
}

TEST(KvBytes, OfGroupedAttentionAreKeysAndValues) {
  EXPECT_EQ(kv_bytes_per_token(load_model("llama-3.1-70b"), Dtype::kBf16).value(),
            80 * 2 * 8 * 128 * 2);
}

TEST(KvBytes, OfLatentAttentionAreOneLatent) {
  EXPECT_EQ(kv_bytes_per_token(load_model("deepseek-v3"), Dtype::kBf16).value(),
            61 * (512 + 64) * 2);
}

TEST(KvBytes, HalveInFp8) {
  const ModelSpec model = load_model("mixtral-8x7b");
  EXPECT_EQ(kv_bytes_per_token(model, Dtype::kFp8).value() * 2,
            kv_bytes_per_token(model, Dtype::kBf16).value());
}

// The scales of an 8-bit cache were once left out of a whole model's bytes.
TEST(KvBytes, OfSparseLatentsInFp8CountScalesAndA16BitRotaryPart) {
  const ModelSpec model = load_model("deepseek-v3.2");
  const double per_token = 61.0 * (512 + 4 * 4 + 64 * 2);  // Latent, four fp32 scales, bf16 rotary.
  EXPECT_EQ(kv_bytes_per_token(model, Dtype::kFp8).value(), per_token);
  EXPECT_EQ(kv_bytes(model, 100, Dtype::kFp8).value(), 100 * (per_token + 61 * (128 + 4)));
}

TEST(KvBytes, OfWindowedLayersStopGrowingAtTheWindow) {
  const ModelSpec model = load_model("gpt-oss-120b");  // 18 of 36 layers see 128 tokens.
  const double all_layers = 36 * 2 * 8 * 64 * 2;
  EXPECT_EQ(kv_bytes(model, 127, Dtype::kBf16).value(), 127 * all_layers);
  EXPECT_EQ(kv_bytes(model, 128, Dtype::kBf16).value(), 128 * all_layers);
  EXPECT_EQ(kv_bytes(model, 129, Dtype::kBf16).value(), 128 * all_layers + all_layers / 2);
}

TEST(KvBytes, GrowByTheBytesPerTokenBeyondAllWindows) {
  for (const char* name : {"mixtral-8x7b", "gpt-oss-20b", "jamba-v0.1", "mimo-v2-flash"}) {
    const ModelSpec model = load_model(name);
    const Bytes step = kv_bytes(model, 5001, Dtype::kBf16) - kv_bytes(model, 5000, Dtype::kBf16);
    EXPECT_EQ(step.value(), kv_bytes_per_token(model, Dtype::kBf16).value()) << name;
  }
}

TEST(KvBytes, OfLinearLayersAreAStateWithoutContext) {
  const ModelSpec model = load_model("minimax-m1");
  EXPECT_EQ(kv_bytes(model, 0, Dtype::kBf16).value(), 70.0 * 64 * 128 * 128 * 4);
}

TEST(KvBytes, OfASparseIndexerAreOneFp8KeyWithScalePerLayer) {
  EXPECT_EQ(index_bytes_per_token(load_model("deepseek-v3.2")).value(), 61 * (128 + 4));
  EXPECT_EQ(index_bytes_per_token(load_model("deepseek-v3")).value(), 0);
}

TEST(FlopsPerToken, AreTwoPerActiveMatrixParameterPlusAttention) {
  const ModelSpec model = tiny_moe();
  const double matrices = 2 * (192 + 4 * 8 + 2 * 3 * 8 * 16) + 800;  // Two layers and the head.
  EXPECT_EQ(flops_per_token(model, 0).value(), 2 * matrices);
  const double attention = 2.0 * 4 * (2 + 2) * 10 * 2;  // Ten keys in two layers.
  EXPECT_EQ(flops_per_token(model, 10).value(), 2 * matrices + attention);
}

TEST(FlopsPerToken, OfSparseAttentionGrowOnlyByTheIndexer) {
  const ModelSpec model = load_model("deepseek-v3.2");
  const Flops step = flops_per_token(model, 4001) - flops_per_token(model, 4000);
  EXPECT_EQ(step.value(), 61.0 * 2 * 64 * 128);
}

TEST(DenseTwin, OfOneExpertTopOneDiffersByTheGateAlone) {
  ModelSpec one = with_overrides(load_model("mixtral-8x7b"), {.num_experts = 1, .top_k = 1});
  const ModelSpec twin = dense_twin(one, TwinKind::kActive);
  EXPECT_FALSE(twin.is_moe());
  EXPECT_EQ(count_parameters(one).total - count_parameters(twin).total, 32 * 4096);
  EXPECT_EQ(kv_bytes(one, 1000, Dtype::kBf16), kv_bytes(twin, 1000, Dtype::kBf16));
}

TEST(DenseTwin, HasTheActiveOrTheTotalFeedForwardParameters) {
  const ModelSpec moe = tiny_moe();
  const ParameterCounts active = count_parameters(dense_twin(moe, TwinKind::kActive));
  const ParameterCounts total = count_parameters(dense_twin(moe, TwinKind::kTotal));
  const std::int64_t gates = 2 * 4 * 8;
  EXPECT_EQ(active.total, count_parameters(moe).active - gates);
  EXPECT_EQ(total.total, count_parameters(moe).total - gates);
}

TEST(DenseTwin, KeepsTheDenseBlockBesideTheExperts) {
  const ModelSpec twin = dense_twin(load_model("snowflake-arctic"), TwinKind::kActive);
  EXPECT_EQ(twin.layers[0].dense_width, 7168 + 2 * 4864);
}

TEST(DenseTwin, OfADenseModelIsItself) {
  const ModelSpec dense = load_model("llama-2-7b");
  EXPECT_TRUE(dense_twin(dense, TwinKind::kTotal).layers == dense.layers);
}

TEST(Overrides, ReachEveryMoeLayerAndNoOther) {
  const ModelSpec model = with_overrides(load_model("deepseek-v3"), {.top_k = 4});
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    ASSERT_EQ(model.layers[i].moe.has_value(), i >= 3);
    if (i < 3) continue;
    EXPECT_EQ(model.layers[i].moe->top_k, 4);
  }
}

TEST(Overrides, AbsentChangeNothing) {
  const ModelSpec model = load_model("deepseek-v3");
  EXPECT_TRUE(with_overrides(model, {}).layers == model.layers);
}

TEST(Overrides, OfDepthContinueThePattern) {
  const ModelSpec longer = with_overrides(load_model("gpt-oss-20b"), {.num_layers = 27});
  EXPECT_EQ(longer.layers.size(), 27u);
  EXPECT_EQ(longer.layers[24].attention.window, 128);
  EXPECT_EQ(longer.layers[25].attention.window, 0);
  EXPECT_EQ(longer.layers[26].attention.window, 128);
  EXPECT_EQ(with_overrides(load_model("deepseek-v3"), {.num_layers = 100}).num_moe_layers(), 97);
}

TEST(Overrides, OfDepthCutFromTheEnd) {
  EXPECT_EQ(with_overrides(load_model("deepseek-v3"), {.num_layers = 4}).num_moe_layers(), 1);
  EXPECT_THROW(with_overrides(load_model("deepseek-v3"), {.num_layers = 3}), std::invalid_argument);
}

std::string refusal(const std::string& name, const ModelOverrides& overrides) {
  try {
    with_overrides(load_model(name), overrides);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Overrides, ThatContradictTheRouterSayWhatIsAllowed) {
  EXPECT_EQ(refusal("deepseek-v3", {.num_experts = 100}),
            "num_experts: 100: a multiple of the router's 8 groups expected");
  EXPECT_EQ(refusal("mixtral-8x7b", {.top_k = 9}),
            "top_k: 9: at most the 8 experts that a token may choose from expected");
  EXPECT_EQ(refusal("deepseek-v3", {.num_experts = 8}),
            "top_k: 8: at most the 4 experts that a token may choose from expected");
  EXPECT_EQ(refusal("mixtral-8x7b", {.num_experts = 0}),
            "num_experts: 0: a whole number from 1 to 100000 expected");
  EXPECT_EQ(refusal("llama-2-7b", {.top_k = 2}),
            "num_experts, top_k, expert_width: the model is dense; an MoE model expected");
}

TEST(ModelCard, ShowsAllThreeConventionsAndTheRouter) {
  const std::string card = model_card(load_model("deepseek-v3"), false);
  for (const char* part : {"671.026 B", "37.552 B", "36.626 B", "35.699 B", "70272 B",
                           "4 of 8 groups by their two largest scores", "scaled by 2.5"}) {
    EXPECT_NE(card.find(part), std::string::npos) << part << "\n" << card;
  }
}

TEST(ModelCard, GroupsEqualLayersIntoRuns) {
  const std::string card = model_card(load_model("deepseek-v3"), true);
  EXPECT_NE(card.find("layers 0-2 "), std::string::npos);
  EXPECT_NE(card.find("layers 3-60 "), std::string::npos);
}

TEST(ModelCard, HasTheSameNumbersAsJson) {
  const auto card = model_card_json(load_model("mixtral-8x7b"));
  EXPECT_EQ(card["params_total"], 46702792704);
  EXPECT_EQ(card["params_active"], 12879925248);
  EXPECT_EQ(card["kv_bytes_per_token"], 131072);
  EXPECT_EQ(card["num_moe_layers"], 32);
}

}  // namespace
}  // namespace moesim
