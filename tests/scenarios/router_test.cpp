// The `router:` and `placement:` parts of a case: what they mean and what they refuse.
#include <gtest/gtest.h>

#include <fstream>

#include "models/router/recorded/npy.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

// 128 experts, top-8, one group; line 10 is the router.
std::string with_router(const std::string& keys) {
  return kMoe + "    router: {" + keys + "}\n";
}

// 256 experts, top-8, eight groups of which four are kept.
const std::string kGrouped = changed(kDense, "qwen3-8b", "deepseek-v3");

Deployment only_case(const std::string& text) {
  return read_text(text).cases.at(0).deployment;
}

TEST(Router, RoutesGeneratedTokensUnlessToldOtherwise) {
  EXPECT_EQ(only_case(kMoe).tokens, TokenSource{});
  EXPECT_EQ(only_case(with_router("tokens: uniform")).tokens.policy, TokenPolicy::kUniform);
  EXPECT_EQ(only_case(with_router("domain: code")).tokens.domain, "code");
}

TEST(Router, ARecipeAloneMeansATrainedRouter) {
  const TokenSource tokens =
      only_case(with_router("training: {aux_loss: 0.01, bias_rate: 1e-3, steps: 500}")).tokens;
  EXPECT_EQ(tokens.policy, TokenPolicy::kTrained);
  EXPECT_EQ(tokens.training.balance.aux_loss, 0.01);
  EXPECT_EQ(tokens.training.balance.bias_rate, 0.001);
  EXPECT_EQ(tokens.training.steps, 500);
  EXPECT_EQ(tokens.training.batch_tokens, TrainingRecipe{}.batch_tokens);
  EXPECT_EQ(only_case(with_router("tokens: trained")).tokens.training, TrainingRecipe{});
}

TEST(Router, ChangesOfTheSchemeReachEveryMoeLayer) {
  const ModelSpec model =
      only_case(changed(kGrouped, "deepseek-v3",
                        "deepseek-v3\n    router: {score: softmax, group_mask: zero, top_groups: "
                        "2, scaling: 1.5, capacity: {factor: 1.25, drop: by_position, pad: true}}"))
          .model;
  ASSERT_EQ(model.num_moe_layers(), 58);
  for (const LayerSpec& layer : model.layers) {
    if (!layer.moe) continue;
    const RouterSpec& router = layer.moe->router;
    EXPECT_EQ(router.score, ScoreFunction::kSoftmax);
    EXPECT_EQ(router.group_mask, GroupMask::kZero);
    EXPECT_EQ(router.num_groups, 8);  // As published.
    EXPECT_EQ(router.top_groups, 2);
    EXPECT_EQ(router.scaling, 1.5);
    EXPECT_EQ(router.capacity.factor, 1.25);
    EXPECT_EQ(router.capacity.drop, DropPolicy::kByPosition);
    EXPECT_TRUE(router.capacity.pad);
  }
}

TEST(Router, WithoutGroupsAllExpertsAreOpenAndAnyNumberOfThemIsAllowed) {
  const std::string sizes =
      changed(kGrouped, "deepseek-v3", "{name: deepseek-v3, num_experts: 60}");
  EXPECT_NE(refusal(sizes), "");
  const Deployment deployment =
      only_case(sizes + "    parallel: {tp: 8}\n    router: {num_groups: 1}\n");
  EXPECT_EQ(deployment.model.moe().num_experts, 60);
  EXPECT_EQ(deployment.model.moe().router.top_groups, 1);
}

TEST(Router, KeysCanBeSwept) {
  const Scenario scenario =
      read_text(kGrouped +
                "    dtype: {weights: fp4}\nsweep:\n  a.router.tokens: [uniform, power_law]\n"
                "  a.router.top_groups: [4, 1, 9]\n");
  ASSERT_EQ(scenario.cases.size(), 6u);
  EXPECT_EQ(scenario.cases[0].infeasible, "");
  EXPECT_EQ(scenario.cases[1].infeasible, "");  // 32 experts are enough for a top_k of 8.
  EXPECT_EQ(scenario.cases[2].infeasible, "cases.a.router.top_groups = 9: at most num_groups 8");
  EXPECT_EQ(scenario.cases[5].deployment.tokens.policy, TokenPolicy::kPowerLaw);
}

TEST(RouterRefusal, UnknownKeysAndWordsGetASuggestion) {
  EXPECT_EQ(refusal(with_router("token: uniform")),
            "s.yaml:10: cases.a.router.token: token: unknown key; did you mean tokens?");
  EXPECT_EQ(refusal(with_router("tokens: unifrom")),
            "s.yaml:10: cases.a.router.tokens: unifrom: one of calibrated, balanced, uniform, "
            "power_law, trained, recorded expected; did you mean uniform?");
  EXPECT_EQ(refusal(with_router("score: softmx")),
            "s.yaml:10: cases.a.router.score: softmx: one of softmax, sigmoid, sqrt_softplus, one "
            "expected; did you mean softmax?");
  EXPECT_EQ(refusal(with_router("training: {aux_los: 1}")),
            "s.yaml:10: cases.a.router.training.aux_los: aux_los: unknown key; did you mean "
            "aux_loss?");
  EXPECT_EQ(refusal(with_router("capacity: {facto: 1}")),
            "s.yaml:10: cases.a.router.capacity.facto: facto: unknown key; did you mean factor?");
}

TEST(RouterRefusal, NumbersHaveRanges) {
  EXPECT_EQ(refusal(with_router("training: {aux_loss: -1}")),
            "s.yaml:10: cases.a.router.training.aux_loss: -1: a number from 0 to 10 expected");
  EXPECT_EQ(refusal(with_router("scaling: 0")),
            "s.yaml:10: cases.a.router.scaling: 0: a number from 1e-06 to 1000000 expected");
  EXPECT_EQ(refusal(with_router("num_groups: 0")),
            "s.yaml:10: cases.a.router.num_groups: 0: a whole number from 1 to 100000 expected");
  EXPECT_EQ(refusal(with_router("renormalise: maybe")),
            "s.yaml:10: cases.a.router.renormalise: maybe: true or false expected");
  EXPECT_NE(refusal(with_router("capacity: {factor: nan}")), "");
  EXPECT_NE(refusal(with_router("num_zero_experts: 99999999999999999999")), "");
}

TEST(RouterRefusal, AKeyOfOneSourceIsNoKeyOfAnother) {
  EXPECT_EQ(refusal(with_router("tokens: recorded")),
            "s.yaml:10: cases.a.router.trace: missing: recorded routing needs its file: .npy, "
            ".jsonl, .pt, .json or .csv");
  EXPECT_EQ(refusal(with_router("tokens: uniform, domain: code")),
            "s.yaml:10: cases.a.router.domain: given: domain goes with tokens: calibrated only; "
            "here tokens are uniform");
  EXPECT_EQ(refusal(with_router("tokens: balanced, training: {}")),
            "s.yaml:10: cases.a.router.training: given: training goes with tokens: trained only; "
            "here tokens are balanced");
  EXPECT_EQ(refusal(with_router("alpha: 0.5")),
            "s.yaml:10: cases.a.router.alpha: given: alpha goes with tokens: power_law only; here "
            "tokens are calibrated");
  EXPECT_EQ(refusal(with_router("alpha: 0.5, baselines: [power_law]")), "");
}

TEST(RouterRefusal, ASchemeMustFitItsModel) {
  EXPECT_EQ(refusal(with_router("num_groups: 5")),
            "s.yaml:10: cases.a.router.num_groups: 5: must divide the model's 128 experts");
  EXPECT_EQ(refusal(with_router("num_groups: 4, top_groups: 5")),
            "s.yaml:10: cases.a.router.top_groups: 5: at most num_groups 4");
  EXPECT_EQ(refusal(with_router("num_groups: 32, top_groups: 1")),
            "s.yaml:10: cases.a.router.top_groups: 1: 1 groups of 4 experts hold less than the "
            "top_k of 8");
  EXPECT_EQ(refusal(with_router("num_groups: 128, top_groups: 8")),
            "s.yaml:10: cases.a.router.group_score: sum_of_two_largest: groups of at least two "
            "experts");
  EXPECT_EQ(refusal(with_router("num_groups: 8, top_groups: 3, group_score: sum_of_kept_share")),
            "s.yaml:10: cases.a.router.group_score: sum_of_kept_share: top_groups 3 must divide "
            "top_k 8");
  EXPECT_EQ(refusal(with_router("rule: sparse_mixer")),
            "s.yaml:10: cases.a.router.rule: sparse_mixer: picks two experts a token; the model's "
            "top_k is 8");
  EXPECT_EQ(refusal(with_router("capacity: {pad: true}")),
            "s.yaml:10: cases.a.router.capacity: pad: a capacity needs a factor above zero; "
            "without one nothing is dropped");
}

TEST(RouterRefusal, ExpertChoiceCannotDecode) {
  const std::string message = refusal(with_router("rule: expert_choice"));
  EXPECT_TRUE(message.starts_with("s.yaml:10: cases.a.router.rule: expert_choice: ")) << message;
  EXPECT_NE(message.find("decode"), std::string::npos) << message;
}

TEST(RouterRefusal, ARecipeMustFitItsScheme) {
  // The load loss estimates what noise would choose: without noise there is nothing to estimate.
  const std::string message = refusal(with_router("training: {load_loss: 0.1}"));
  EXPECT_TRUE(message.starts_with("s.yaml:10: cases.a.router.training: ")) << message;
  EXPECT_NE(message.find("load_loss"), std::string::npos) << message;
}

TEST(RouterRefusal, AKindOfTextThatIsAlmostACountedOneIsASlip) {
  const std::string olmoe = changed(kDense, "qwen3-8b", "olmoe-1b-7b");
  const std::string message = refusal(olmoe + "    router: {domain: githb}\n");
  EXPECT_TRUE(message.starts_with("s.yaml:10: cases.a.router.domain: githb: did you mean github?"))
      << message;
  EXPECT_EQ(refusal(olmoe + "    router: {domain: github}\n"), "");
  EXPECT_EQ(refusal(olmoe + "    router: {domain: poetry}\n"), "");
}

TEST(RouterRefusal, ADenseModelHasNoRouter) {
  EXPECT_EQ(refusal(kDense + "    router: {score: softmax}\n"),
            "s.yaml:10: cases.a.router: given: the model is dense and has no router; leave this "
            "out");
}

// Ids [tokens, 48 layers, 8] that are the same everywhere, as a .npy file beside the scenario.
class Recorded : public testing::Test {
 protected:
  Recorded() : file_("unused", "") {
    const ModelSpec model = only_case(kMoe).model;
    bank_.num_layers = model.num_moe_layers();
    bank_.num_experts = model.moe().num_experts;
    bank_.top_k = model.moe().top_k;
    bank_.sequences = 16;
    bank_.sequence_tokens = 32;
    for (std::int64_t i = 0; i < bank_.num_layers * bank_.num_tokens(); ++i) {
      for (std::uint16_t k = 0; k < 8; ++k) bank_.ids.push_back(k);
    }
    write_npy(bank_, file_.folder() + "/ids.npy");
  }

  std::string refused(const std::string& text) const {
    try {
      read(text);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  }
  Scenario read(const std::string& text) const {
    return read_scenario_text(text, file_.folder() + "/s.yaml", {});
  }
  std::string in_folder(const std::string& name) const { return file_.folder() + "/" + name; }

  TemporaryFile file_;
  RoutingBank bank_;
};

TEST_F(Recorded, ATraceBesideTheScenarioIsEnough) {
  const Scenario scenario = read(with_router("trace: ids.npy"));
  const TokenSource& tokens = scenario.cases.at(0).deployment.tokens;
  EXPECT_EQ(tokens.policy, TokenPolicy::kRecorded);
  EXPECT_EQ(tokens.trace, in_folder("ids.npy"));
  EXPECT_NE(scenario.resolved.find("trace: ids.npy"), std::string::npos);
  EXPECT_EQ(read(scenario.resolved).resolved, scenario.resolved);
}

TEST_F(Recorded, ATraceOfAnotherModelIsRefusedBeforeAnythingRuns) {
  const std::string other = changed(with_router("trace: ids.npy"), "qwen3-30b-a3b", "mixtral-8x7b");
  const std::string message = refused(other);
  EXPECT_TRUE(message.starts_with(in_folder("s.yaml") +
                                  ":10: cases.a.router.trace: " + in_folder("ids.npy")))
      << message;
  EXPECT_NE(refused(with_router("trace: ids.npy") + "sweep: {a.model.top_k: [8, 4]}\n"), "");
}

TEST_F(Recorded, AFileThatIsMissingOrTornIsRefused) {
  const std::string missing = refused(with_router("trace: none.npy"));
  EXPECT_TRUE(missing.starts_with(in_folder("s.yaml") + ":10: cases.a.router.trace: none.npy: "))
      << missing;
  EXPECT_NE(missing.find("No such file"), std::string::npos) << missing;
  std::ofstream(in_folder("torn.npy"), std::ios::binary) << "\x93NUMPY\x01";
  EXPECT_NE(refused(with_router("trace: torn.npy")), "");
  EXPECT_NE(refused(with_router("gate: none.safetensors")).find("none.safetensors: "),
            std::string::npos);
}

TEST_F(Recorded, ATraceIsNeitherGeneratedNorTrained) {
  EXPECT_NE(refused(with_router("trace: ids.npy, domain: code")).find("router.domain: given: "),
            std::string::npos);
  EXPECT_NE(refused(with_router("trace: ids.npy, training: {}")).find("router.training: given: "),
            std::string::npos);
  EXPECT_NE(refused(with_router("trace: ids.npy, tokens: uniform")).find("router.trace: given: "),
            std::string::npos);
  EXPECT_NE(refused(with_router("trace: ids.npy, gate: g.safetensors")).find("router.gate: given"),
            std::string::npos);
}

TEST(Baselines, AreTwinsThatDifferInTheirTokensAlone) {
  const Scenario scenario = read_text(with_router("baselines: [balanced, power_law], alpha: 0.7"));
  ASSERT_EQ(scenario.cases.size(), 3u);
  const Case& own = scenario.cases[0];
  EXPECT_EQ(own.baseline_of, "");
  EXPECT_EQ(scenario.cases[1].name, "a (balanced routing)");
  EXPECT_EQ(scenario.cases[2].name, "a (power law routing)");
  for (std::size_t i : {1u, 2u}) {
    const Case& twin = scenario.cases[i];
    EXPECT_EQ(twin.baseline_of, "a");
    EXPECT_EQ(twin.workload, own.workload);
    EXPECT_TRUE(twin.deployment.model.layers == own.deployment.model.layers);
    EXPECT_EQ(twin.deployment.plan.tp, own.deployment.plan.tp);
    EXPECT_EQ(twin.deployment.seed, own.deployment.seed);
    EXPECT_EQ(twin.deployment.tokens.sequences, own.deployment.tokens.sequences);
  }
  EXPECT_EQ(scenario.cases[1].deployment.tokens.policy, TokenPolicy::kBalanced);
  EXPECT_EQ(scenario.cases[2].deployment.tokens.policy, TokenPolicy::kPowerLaw);
  EXPECT_EQ(scenario.cases[2].deployment.tokens.alpha, 0.7);
}

TEST(Baselines, FollowTheirCaseAtEveryPointOfASweep) {
  const Scenario scenario =
      read_text(with_router("baselines: [balanced]") + "sweep: {a.model.top_k: [4, 8]}\n");
  ASSERT_EQ(scenario.cases.size(), 4u);
  EXPECT_EQ(scenario.cases[3].baseline_of, "a");
  EXPECT_EQ(scenario.cases[3].point, scenario.cases[2].point);
  EXPECT_EQ(scenario.cases[3].deployment.model.moe().top_k, 8);
}

TEST(Baselines, AreEachAskedForOnceAndOtherThanTheCase) {
  EXPECT_EQ(refusal(with_router("baselines: [balanced, balanced]")),
            "s.yaml:10: cases.a.router.baselines[1]: balanced: each baseline once");
  EXPECT_EQ(refusal(with_router("baselines: [calibrated]")),
            "s.yaml:10: cases.a.router.baselines[0]: calibrated: one of balanced, uniform, "
            "power_law expected");
  EXPECT_NE(refusal(with_router("tokens: uniform, baselines: [uniform]"))
                .find("another way of routing than the case's own"),
            std::string::npos);
}

TEST(ResolvedRouter, SaysTheWholeSchemeAndReadsBackToItself) {
  for (const std::string& text :
       {kGrouped + "    router: {top_groups: 2, group_mask: zero}\n",
        with_router("capacity: {factor: 1.5, least: 4}, baselines: [uniform, power_law]"),
        with_router("training: {aux_loss: 0.01, z_loss: 0.001}, domain: ~"),
        with_router("rule: noisy_top_k, score: softmax, order: top_k_then_score"),
        kMoe + "    router: {tokens: uniform}\nsweep: {a.router.tokens: [uniform, balanced]}\n"}) {
    const Scenario scenario = read_text(text);
    EXPECT_EQ(read_text(scenario.resolved).resolved, scenario.resolved);
    const Deployment& first = scenario.cases[0].deployment;
    const Deployment again = only_case(scenario.resolved);
    EXPECT_TRUE(first.model.layers == again.model.layers);
    EXPECT_EQ(first.tokens, again.tokens);
  }
  const std::string resolved = read_text(kGrouped).resolved;
  for (const char* part : {"score: sigmoid", "correction_bias: true", "num_groups: 8",
                           "top_groups: 4", "group_mask: minus_infinity", "scaling: 2.5"}) {
    EXPECT_NE(resolved.find(part), std::string::npos) << part << "\n" << resolved;
  }
}

TEST(Placement, ReadsEveryKeyAndWritesItBack) {
  const std::string text = kMoe +
                           "    parallel: {attention_dp: 8}\n    placement: {policy: "
                           "coactivation, redundant_experts: 8, scope: global, replicas: static, "
                           "rebalance_steps: 3000, rebalance_gain: 0.1, profile: served}\n";
  const Scenario scenario = read_text(text);
  const PlacementSpec& placement = scenario.cases.at(0).deployment.placement;
  EXPECT_EQ(placement.policy, PlacementPolicy::kCoactivation);
  EXPECT_EQ(placement.scope, EplbScope::kGlobal);
  EXPECT_EQ(placement.replicas, ReplicaChoice::kStatic);
  EXPECT_EQ(placement.rebalance_steps, 3000);
  EXPECT_EQ(placement.rebalance_gain, 0.1);
  EXPECT_EQ(placement.profile, PlacementProfile::kServed);
  EXPECT_EQ(read_text(scenario.resolved).cases.at(0).deployment.placement, placement);
}

TEST(Placement, AGainIsNotNegative) {
  EXPECT_EQ(refusal(kMoe + "    placement: {rebalance_gain: -0.1}\n"),
            "s.yaml:10: cases.a.placement.rebalance_gain: -0.1: a number from 0 to 10 expected");
}

TEST(Placement, AHierarchyNeedsRouterGroupsThatNodesCanShare) {
  const std::string message = refusal(kMoe +
                                      "    parallel: {attention_dp: 8}\n    placement: {policy: "
                                      "eplb, scope: hierarchical}\n");
  EXPECT_TRUE(message.starts_with("s.yaml:11: cases.a.placement.scope: hierarchical: ")) << message;
}

TEST(Dispatch, HasFourModesAndTwoFormatsOfResults) {
  const Deployment deployment =
      only_case(kMoe + "    engine: {dispatch: low_latency, combine: logfmt10}\n");
  EXPECT_EQ(deployment.dispatch, DispatchPolicy::kLowLatency);
  EXPECT_EQ(deployment.combine, CombineFormat::kLogFmt10);
  EXPECT_EQ(only_case(kMoe + "    engine: {dispatch: all_gather}\n").dispatch,
            DispatchPolicy::kAllGather);
  EXPECT_EQ(refusal(kMoe + "    engine: {dispatch: all_to_all, combine: logfmt10}\n"),
            "s.yaml:10: cases.a.engine.combine: logfmt10: bf16: only low-latency dispatch combines "
            "in logfmt10");
}

}  // namespace
}  // namespace moesim
