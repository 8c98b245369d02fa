// Making banks: where their routing comes from, and that they are the same every time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>

#include "models/router/make/make_bank.h"
#include "models/router/tokens/token_generator.h"
#include "tests/models/router/recorded/recorded_files.h"
#include "tests/models/router/router_models.h"

namespace moesim {
namespace {

using made::bank_of;
using made::loads_of;
using made::olmoe;
using made::router_model;
using made::softmax_router;

ModelSpec deepseek_like() {
  MoeSpec moe = made::biased_router(32, 4);
  moe.router.num_groups = 4;
  moe.router.top_groups = 2;
  return router_model(moe, "DeepseekV3ForCausalLM", 2);
}

TokenSource source_of(TokenPolicy policy, std::int64_t sequences = 128) {
  TokenSource source;
  source.policy = policy;
  source.sequences = sequences;
  return source;
}

TEST(RoutingBank, SameSeedSameIdsForAnyNumberOfThreads) {
  const TokenSource source = source_of(TokenPolicy::kCalibrated, 16);
  const RoutingBank one = make_routing_bank(olmoe(3), source, 7, 1);
  EXPECT_EQ(one.ids, make_routing_bank(olmoe(3), source, 7, 1).ids);
  EXPECT_EQ(one.ids, make_routing_bank(olmoe(3), source, 7, 4).ids);
  EXPECT_NE(one.ids, make_routing_bank(olmoe(3), source, 8, 4).ids);
}

TEST(RoutingBank, EveryTokenHasDistinctExpertsInRange) {
  for (const TokenPolicy policy : {TokenPolicy::kCalibrated, TokenPolicy::kBalanced,
                                   TokenPolicy::kUniform, TokenPolicy::kPowerLaw}) {
    const RoutingBank bank = make_routing_bank(deepseek_like(), source_of(policy, 8), 1);
    ASSERT_EQ(bank.ids.size(), 2U * 8 * 32 * 4);
    for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
      const auto ids = bank.token(1, t);
      EXPECT_EQ(std::set<std::uint16_t>(ids.begin(), ids.end()).size(), 4U);
      EXPECT_LT(*std::max_element(ids.begin(), ids.end()), 32);
    }
  }
}

TEST(RoutingBank, BalancedIsExactlyBalanced) {
  for (const auto& layer :
       loads_of(make_routing_bank(olmoe(3), source_of(TokenPolicy::kBalanced), 1))) {
    EXPECT_DOUBLE_EQ(layer.max_over_mean, 1);
    EXPECT_DOUBLE_EQ(layer.gini, 0);
  }
}

// Any 8 tokens from a multiple of 8 on are one deck of 64 experts.
TEST(RoutingBank, BalancedIsSoInEveryDeck) {
  const RoutingBank bank = make_routing_bank(olmoe(1), source_of(TokenPolicy::kBalanced), 1);
  for (std::int64_t t = 0; t < bank.num_tokens(); t += 8) {
    std::set<std::uint16_t> dealt;
    for (std::int64_t i = 0; i < 8; ++i) {
      const auto ids = bank.token(0, t + i);
      dealt.insert(ids.begin(), ids.end());
    }
    EXPECT_EQ(dealt.size(), 64U) << t;
  }
}

// Two of four groups, two experts of each; every group and expert equally often.
TEST(RoutingBank, BalancedKeepsTheRoutersGroups) {
  const RoutingBank bank =
      make_routing_bank(deepseek_like(), source_of(TokenPolicy::kBalanced, 8), 1);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    std::map<int, int> picks;
    for (const std::uint16_t id : bank.token(0, t)) ++picks[id / 8];
    EXPECT_EQ(picks.size(), 2U);
    EXPECT_EQ(picks.begin()->second, 2);
  }
  for (const LoadStatistics& layer : loads_of(bank)) EXPECT_DOUBLE_EQ(layer.max_over_mean, 1);
}

// Dispatch sends as much as for random choices, however experts are numbered onto ranks: 8 of 64
// experts lie on 8 (1 - C(56,8)/C(64,8)) = 5.43 of 8 ranks.
TEST(RoutingBank, BalancedTokensLieOnAsManyRanksAsRandomOnes) {
  const RoutingBank bank = make_routing_bank(olmoe(1), source_of(TokenPolicy::kBalanced), 1);
  double blocks = 0, residues = 0;
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    std::set<int> block, residue;
    for (const std::uint16_t id : bank.token(0, t)) {
      block.insert(id / 8);
      residue.insert(id % 8);
    }
    blocks += static_cast<double>(block.size());
    residues += static_cast<double>(residue.size());
  }
  EXPECT_NEAR(blocks / 4096, 5.43, 0.05);
  EXPECT_NEAR(residues / 4096, 5.43, 0.05);
}

TEST(RoutingBank, UniformIsBalancedUpToChance) {
  // 4096 tokens * 8 / 64 = 512 per expert, standard deviation 4 %.
  for (const auto& layer :
       loads_of(make_routing_bank(olmoe(3), source_of(TokenPolicy::kUniform), 1))) {
    EXPECT_GT(layer.max_over_mean, 1.02);
    EXPECT_LT(layer.max_over_mean, 1.2);
  }
}

TEST(RoutingBank, PowerLawOfExponentZeroIsUniformAndSteeperIsMoreSkewed) {
  TokenSource source = source_of(TokenPolicy::kPowerLaw);
  double before = 0;
  for (const double alpha : {0.0, 0.5, 1.0, 2.0}) {
    source.alpha = alpha;
    const double gini = loads_of(make_routing_bank(olmoe(3), source, 1))[0].gini;
    EXPECT_GT(gini, before);
    before = gini;
    if (alpha == 0) {
      EXPECT_LT(gini, 0.04);
    }
  }
}

TEST(RoutingBank, PowerLawOfTopOneFollowsItsWeights) {
  TokenSource source = source_of(TokenPolicy::kPowerLaw, 512);
  auto counts =
      expert_counts(make_routing_bank(router_model(softmax_router(4, 1), "x", 1), source, 1))[0];
  std::sort(counts.rbegin(), counts.rend());
  // Weights 1, 1/2, 1/3, 1/4 of 25/12.
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(counts[i] / 16384, 12.0 / 25 / static_cast<double>(i + 1), 0.015);
  }
}

TEST(CalibratedRouting, LoadsAreThoseAimedAtFirstChoicesIncluded) {
  const RoutingCalibration calibration = routing_calibration(olmoe(2));
  const RoutingBank bank = make_routing_bank(olmoe(2), made::calibrated(128, "arxiv"), 7);
  RandomStream unused(1, "unused");
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const ExpertTargets target =
        expert_targets(text_loads(calibration, "arxiv"), static_cast<double>(layer), 64, 8, unused);
    const LoadStatistics aim = load_statistics(target.load);
    const LoadStatistics found = loads_of(bank)[static_cast<std::size_t>(layer)];
    EXPECT_NEAR(found.max_over_mean, aim.max_over_mean, 0.05 * aim.max_over_mean);
    EXPECT_NEAR(found.gini, aim.gini, 0.03);
    const double first = load_statistics(target.first).max_over_mean;
    EXPECT_NEAR(made::first_loads_of(bank, layer).max_over_mean, first, 0.1 * first);
  }
}

TEST(CalibratedRouting, CorrectionBiasKeepsLoadsNearBalance) {
  const auto with =
      loads_of(make_routing_bank(deepseek_like(), source_of(TokenPolicy::kCalibrated), 7));
  for (const LoadStatistics& layer : with) {
    EXPECT_LT(layer.gini, 0.2);
    EXPECT_LT(layer.max_over_mean, 2);
    EXPECT_EQ(layer.unused_share, 0);
  }
}

TEST(CalibratedRouting, AnotherKindOfTextLoadsOtherExperts) {
  const auto arxiv =
      expert_counts(make_routing_bank(olmoe(1), made::calibrated(32, "arxiv"), 7))[0];
  const auto c4 = expert_counts(make_routing_bank(olmoe(1), made::calibrated(32, "c4"), 7))[0];
  EXPECT_NE(std::max_element(arxiv.begin(), arxiv.end()) - arxiv.begin(),
            std::max_element(c4.begin(), c4.end()) - c4.begin());
  EXPECT_GT(load_statistics(arxiv).gini, load_statistics(c4).gini);
}

TEST(CalibratedRouting, ProvenanceSaysWhichTextAndHowItIsKnown) {
  const auto provenance = [](const std::string& domain) {
    return make_routing_bank(olmoe(1), made::calibrated(1, domain), 7).provenance;
  };
  EXPECT_NE(provenance("").find("mean of the counted texts"), std::string::npos);
  EXPECT_NE(provenance("c4").find("counts of 'c4'"), std::string::npos);
  EXPECT_NE(provenance("book").find("like 'c4' (assumption)"), std::string::npos);
  EXPECT_NE(provenance("poems").find("no counts of 'poems'"), std::string::npos);
}

// Same seed, other expert counts or top-k: the same tokens with the same neighbours.
TEST(ExpertSweep, TokensThatAreAlikeStayAlike) {
  RoutingCalibration calibration = routing_calibration(olmoe(1));
  const auto repeats = [](const RoutingBank& bank) {
    std::vector<bool> same;
    for (std::int64_t t = 1; t < bank.num_tokens(); ++t) {
      same.push_back(bank.token(0, t)[0] == bank.token(0, t - 1)[0]);
    }
    return same;
  };
  const auto bank = [&](std::int64_t experts, std::int64_t top_k) {
    const ModelSpec model = router_model(softmax_router(experts, top_k), "OlmoeForCausalLM", 1);
    return bank_of(model, calibration, 128, "c4");
  };
  const std::vector<bool> base = repeats(bank(64, 8));
  for (const auto& [experts, top_k] : {std::pair{128, 8}, std::pair{32, 8}, std::pair{64, 4}}) {
    const std::vector<bool> other = repeats(bank(experts, top_k));
    double base_share = 0, share = 0, both = 0;
    for (std::size_t i = 0; i < base.size(); ++i) {
      base_share += base[i] ? 1 : 0;
      share += other[i] ? 1 : 0;
      both += base[i] && other[i] ? 1 : 0;
    }
    // Independent repeats would coincide in share * base_share.
    EXPECT_GT(both * static_cast<double>(base.size()), 3 * share * base_share) << experts;
  }
}

// Banks of different length are made with the same gates: the shorter is a part of the longer.
TEST(ExpertSweep, LongerBanksContinueShorterOnes) {
  const RoutingBank shorter = make_routing_bank(olmoe(1), made::calibrated(8), 7);
  const RoutingBank longer = make_routing_bank(olmoe(1), made::calibrated(16), 7);
  EXPECT_TRUE(std::equal(shorter.ids.begin(), shorter.ids.end(), longer.ids.begin()));
}

// Banks that a sweep makes together equal those that each point makes by itself, with any other
// points in the sweep: of every number of experts and top_k, with and without correction bias.
TEST(ExpertSweep, BanksMadeTogetherAreThoseMadeAlone) {
  for (const bool biased : {false, true}) {
    std::vector<ModelSpec> models;
    for (const std::int64_t experts : {8, 8, 32, 70, 130}) {
      const std::int64_t top_k = models.size() == 1 ? 3 : 2;
      const MoeSpec moe =
          biased ? made::biased_router(experts, top_k) : softmax_router(experts, top_k);
      models.push_back(router_model(moe, "x", 2));
    }
    std::vector<const ModelSpec*> all;
    for (const ModelSpec& model : models) all.push_back(&model);
    const std::vector<RoutingBank> together = make_routing_banks(all, made::calibrated(16), 7, 2);
    for (std::size_t i = 0; i < models.size(); ++i) {
      const RoutingBank alone = make_routing_bank(models[i], made::calibrated(16), 7);
      EXPECT_EQ(together[i].ids, alone.ids) << models[i].moe().num_experts;
      EXPECT_EQ(together[i].provenance, alone.provenance);
    }
  }
}

TEST(HashRouting, TokensOfOneTypeGoToTheSameExperts) {
  MoeSpec moe = softmax_router(16, 2);
  moe.router.rule = SelectionRule::kHash;
  const ModelSpec model = router_model(moe, "x", 2);
  const RoutingBank bank = make_routing_bank(model, made::calibrated(16), 7);
  const TokenGenerator text(routing_calibration(model), model.hidden_size, {16, 32}, 7);
  std::map<std::uint16_t, std::vector<std::uint16_t>> experts_of;
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const auto ids = bank.token(1, t);
    const std::uint16_t type = text.labels()[static_cast<std::size_t>(t)].type;
    const auto& known = experts_of.try_emplace(type, ids.begin(), ids.end()).first->second;
    EXPECT_TRUE(std::equal(ids.begin(), ids.end(), known.begin())) << type;
  }
  EXPECT_GT(experts_of.size(), 50U);
}

TEST(ExpertChoiceRouting, IsRefusedBeforeAnyThreadStarts) {
  MoeSpec moe = softmax_router(16, 2);
  moe.router.rule = SelectionRule::kExpertChoice;
  EXPECT_THROW(make_routing_bank(router_model(moe, "x", 4), made::calibrated(16), 7, 2),
               std::invalid_argument);
}

TEST(TrainedRouting, LoadsAndHistoryAreThoseOfTheTraining) {
  const ModelSpec model = router_model(softmax_router(8, 2), "x", 1);
  TokenSource source = source_of(TokenPolicy::kTrained);
  source.training.steps = 300;
  const RoutingBank bank = make_routing_bank(model, source, 7);
  const TrainingRun run = train_gate(model.moe(), source.training, 7);
  EXPECT_EQ(bank.training.size(), run.history.size());
  EXPECT_EQ(bank.origin, RoutingOrigin::kGenerated);
  EXPECT_NEAR(loads_of(bank)[0].gini, load_statistics(run.load_over_mean).gini, 0.03);
  EXPECT_NE(bank.provenance.find("trained in miniature"), std::string::npos);
}

class RealGates : public made::Folder {
 protected:
  // A bank through one layer of 8 gate rows of this width.
  RoutingBank routed(const std::vector<float>& weight, std::int64_t width) const {
    const std::string shape = "[8," + std::to_string(width) + "]";
    const std::string path =
        file("model.safetensors", made::safetensors({{"model.layers.0.mlp.gate.weight", "F32",
                                                      shape, made::bytes_of(weight)}}));
    TokenSource source = source_of(TokenPolicy::kCalibrated, 16);
    source.gate = path;
    return make_routing_bank(router_model(softmax_router(8, 2), "OlmoeForCausalLM", 1, width),
                             source, 7);
  }
};

// Rows 0 and 1 are equal, so that ties go to 0: whoever has 1 has 0 before it. Both below and above
// the effective dimensions.
TEST_F(RealGates, DecideInsteadOfGeneratedOnes) {
  for (const std::int64_t width : {96, 2048}) {
    RandomStream random(1, "real gates");
    std::vector<float> weight(static_cast<std::size_t>(8 * width));
    for (float& entry : weight) entry = static_cast<float>(random.uniform() - 0.5);
    std::copy_n(weight.begin(), width, weight.begin() + width);
    const RoutingBank bank = routed(weight, width);
    std::int64_t with_both = 0;
    for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
      const auto ids = bank.token(0, t);
      ASSERT_NE(ids[0], 1);
      EXPECT_EQ(ids[1] == 1, ids[0] == 0);
      with_both += ids[1] == 1 ? 1 : 0;
    }
    EXPECT_GT(with_both, 20);
    EXPECT_NE(bank.provenance.find("real gates"), std::string::npos);
    EXPECT_NE(bank.provenance.find("generated hidden states"), std::string::npos);
  }
}

}  // namespace
}  // namespace moesim
