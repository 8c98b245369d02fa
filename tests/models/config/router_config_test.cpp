// Routing schemes read from a model's own config.json, and in words.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "base/input_error.h"
#include "models/config/catalog.h"
#include "models/spec/model_card.h"
#include "nlohmann/json.hpp"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

Json shipped(const std::string& name) {
  std::ifstream in("models/catalog/" + name + ".json");
  return Json::parse(in);
}

ModelSpec changed(const std::string& name, const Json& fields) {
  Json config = shipped(name);
  config.update(fields);
  return read_config(config.dump(2), "c.json", "made");
}

RouterSpec router_of(const std::string& name, const Json& fields = Json::object()) {
  return changed(name, fields).moe().router;
}

std::string faults_of(const std::string& name, const Json& fields) {
  try {
    changed(name, fields);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(RouterFields, PhiMixesSparsely) {
  const RouterSpec router = router_of("phi-3.5-moe");
  EXPECT_EQ(router.rule, SelectionRule::kSparseMixer);
  EXPECT_EQ(router.mixer_jitter, 0.01);
  EXPECT_EQ(router.jitter, 0);
  EXPECT_EQ(router_of("phi-3.5-moe", {{"input_jitter_noise", 0.02}}).jitter, 0.02);
}

TEST(RouterFields, DeepSeekV2RanksGroupsByTheLargestAndScalesWhatItDidNotRenormalise) {
  const RouterSpec v2 = router_of("deepseek-v2");
  EXPECT_EQ(v2.group_score, GroupScore::kLargest);
  EXPECT_FALSE(v2.scale_renormalised);
  EXPECT_EQ(v2.scaling, 16);
  const RouterSpec v3 = router_of("deepseek-v3");
  EXPECT_EQ(v3.group_score, GroupScore::kSumOfTwoLargest);
  EXPECT_TRUE(v3.scale_renormalised);
  // Without correction bias DeepSeek's code takes the maximum of a group.
  const Json greedy = {{"topk_method", "group_limited_greedy"}};
  EXPECT_EQ(router_of("deepseek-v3", greedy).group_score, GroupScore::kLargest);
}

TEST(RouterFields, ErnieHasAFloorAndLlamaScalesInputs) {
  EXPECT_EQ(router_of("ernie-4.5-21b-a3b").renormalise_floor, 1e-12);
  EXPECT_EQ(router_of("ernie-4.5-21b-a3b", {{"moe_norm_min", 1e-6}}).renormalise_floor, 1e-6);
  EXPECT_TRUE(router_of("llama-4-scout").weigh_input);
  EXPECT_FALSE(router_of("mixtral-8x7b").weigh_input);
}

TEST(RouterFields, JitterComesFromTheFamilysOwnName) {
  EXPECT_EQ(router_of("dbrx").jitter, 0.01);
  EXPECT_EQ(router_of("mixtral-8x7b").jitter, 0);
  EXPECT_EQ(router_of("mixtral-8x7b", {{"router_jitter_noise", 0.0}}).jitter, 0);
  EXPECT_EQ(router_of("mixtral-8x7b", {{"router_jitter_noise", 0.1}}).jitter, 0.1);
  EXPECT_NE(faults_of("mixtral-8x7b", {{"router_jitter_noise", 2}})
                .find("router_jitter_noise: 2: a number from 0 to 0.5 expected"),
            std::string::npos);
}

TEST(RouterFields, KimisOtherNamesAreRead) {
  Json config = shipped("deepseek-v3");
  config.erase("scoring_func");
  config.erase("n_group");
  config.erase("norm_topk_prob");
  config["moe_router_activation_func"] = "softmax";
  config["num_expert_group"] = 16;
  config["moe_renormalize"] = true;
  const RouterSpec router = read_config(config.dump(), "c.json", "made").moe().router;
  EXPECT_EQ(router.score, ScoreFunction::kSoftmax);
  EXPECT_EQ(router.num_groups, 16);
  EXPECT_TRUE(router.renormalise);
}

TEST(RouterFields, HashLayersComeFirst) {
  const ModelSpec model = changed("deepseek-v3", {{"num_hash_layers", 5}});
  EXPECT_FALSE(model.layers[2].moe.has_value());  // The first three are dense.
  EXPECT_EQ(model.layers[4].moe->router.rule, SelectionRule::kHash);
  EXPECT_EQ(model.layers[5].moe->router.rule, SelectionRule::kTopK);
  EXPECT_NE(faults_of("deepseek-v3", {{"num_hash_layers", 62}})
                .find("num_hash_layers: 62: a whole number from 0 to 61 expected"),
            std::string::npos);
}

TEST(RouterFields, CapacityOfArcticAppliesWhereItDropsTokens) {
  const Json factors = {{"moe_eval_capacity_factor", 2},
                        {"moe_train_capacity_factor", 1.25},
                        {"moe_min_capacity", 4}};
  EXPECT_EQ(router_of("snowflake-arctic", factors).capacity, CapacitySpec{});
  Json dropping = factors;
  dropping["moe_token_dropping"] = true;
  const CapacitySpec capacity = router_of("snowflake-arctic", dropping).capacity;
  EXPECT_EQ(capacity.factor, 2);
  EXPECT_EQ(capacity.training_factor, 1.25);
  EXPECT_EQ(capacity.least, 4);
}

TEST(RouterFields, CapacityOfHunyuanIsTheMeanLoad) {
  const CapacitySpec capacity = router_of("hunyuan-a13b", {{"moe_drop_tokens", true}}).capacity;
  EXPECT_EQ(capacity.factor, 1);
  EXPECT_EQ(capacity.least, 8);
  const Json rerouted = {{"moe_drop_tokens", true}, {"moe_random_routing_dropped_token", true}};
  EXPECT_NE(faults_of("hunyuan-a13b", rerouted).find("moe_random_routing_dropped_token"),
            std::string::npos);
}

TEST(RouterFields, CapacityOfSwitchAndMegatron) {
  EXPECT_EQ(router_of("mixtral-8x7b", {{"expert_capacity", 64}}).capacity.fixed, 64);
  const CapacitySpec capacity =
      router_of("mixtral-8x7b", {{"moe_expert_capacity_factor", 1.5},
                                 {"moe_token_drop_policy", "position"},
                                 {"moe_pad_expert_input_to_capacity", true}})
          .capacity;
  EXPECT_EQ(capacity.factor, 1.5);
  EXPECT_EQ(capacity.drop, DropPolicy::kByPosition);
  EXPECT_TRUE(capacity.pad);
  EXPECT_EQ(router_of("mixtral-8x7b", {{"moe_expert_capacity_factor", nullptr}}).capacity,
            CapacitySpec{});
  EXPECT_NE(faults_of("mixtral-8x7b", {{"moe_token_drop_policy", "size"}})
                .find("one of probs, position expected"),
            std::string::npos);
}

TEST(RouterFields, BalancingRulesOfMegatron) {
  const char* const kField = "moe_router_load_balancing_type";
  EXPECT_EQ(router_of("mixtral-8x7b", {{kField, "sinkhorn"}}).rule, SelectionRule::kSinkhorn);
  EXPECT_EQ(router_of("mixtral-8x7b", {{kField, "quantile_balancing"}}).rule,
            SelectionRule::kQuantile);
  EXPECT_EQ(router_of("mixtral-8x7b", {{kField, "aux_loss"}}).rule, SelectionRule::kTopK);
  EXPECT_NE(faults_of("mixtral-8x7b", {{kField, "fair"}}).find("sinkhorn"), std::string::npos);
}

TEST(RouterFields, OnlyIdentityZeroExpertsAreKnown) {
  EXPECT_EQ(faults_of("longcat-flash", {{"zero_expert_type", "identity"}}), "accepted");
  EXPECT_NE(faults_of("longcat-flash", {{"zero_expert_type", "copy"}})
                .find("zero_expert_type: copy: identity expected"),
            std::string::npos);
}

TEST(RouterFields, DbrxNormalisesByTheSumOnly) {
  EXPECT_TRUE(router_of("dbrx").renormalise);
  Json ffn = shipped("dbrx")["ffn_config"];
  ffn["moe_normalize_expert_weights"] = 2;
  EXPECT_NE(faults_of("dbrx", {{"ffn_config", ffn}}).find("moe_normalize_expert_weights: 2"),
            std::string::npos);
}

TEST(RouterWords, SayTheScheme) {
  EXPECT_EQ(router_in_words(router_of("mixtral-8x7b")),
            "top-k of the logits, then softmax over the chosen");
  EXPECT_EQ(router_in_words(router_of("deepseek-v3")),
            "sigmoid over all experts, then top-k; selection corrected by a bias per expert; 4 of "
            "8 groups by their two largest scores; weights renormalised; scaled by 2.5");
  EXPECT_NE(router_in_words(router_of("phi-3.5-moe")).find("logits within 2 %"), std::string::npos);
  RouterSpec dropping;
  dropping.capacity.factor = 2;
  dropping.capacity.training_factor = 1.25;
  EXPECT_EQ(router_in_words(dropping),
            "softmax over all experts, then top-k; experts take 2 times the mean load, while "
            "training 1.25 times the mean load, lightest dropped first");
}

TEST(RouterWords, OfEveryRuleDiffer) {
  std::set<std::string> seen;
  for (int rule = 0; rule <= static_cast<int>(SelectionRule::kQuantile); ++rule) {
    RouterSpec router;
    router.rule = static_cast<SelectionRule>(rule);
    EXPECT_TRUE(seen.insert(router_in_words(router)).second);
  }
}

TEST(RouterWords, OfHashLayersStandInTheCard) {
  const std::string card = model_card(changed("deepseek-v3", {{"num_hash_layers", 5}}), false);
  EXPECT_NE(card.find("router from layer 3"), std::string::npos) << card;
  EXPECT_NE(card.find("experts by token type from a fixed table"), std::string::npos);
  EXPECT_NE(card.find("router from layer 5"), std::string::npos);
}

}  // namespace
}  // namespace moesim
