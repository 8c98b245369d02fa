// What a scenario means: defaults, sweeps, settings, and the resolved text.
#include "scenarios/cases/scenario.h"

#include <gtest/gtest.h>

#include "models/config/catalog.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

Deployment only_case(const std::string& text) {
  return read_text(text).cases.at(0).deployment;
}

TEST(Defaults, TensorParallelFillsTheNodeAndReplicasTheCluster) {
  const ParallelPlan plan = only_case(changed(kDense, "dgx-h100}", "dgx-h100, nodes: 3}")).plan;
  EXPECT_EQ(plan.tp, 8);
  EXPECT_EQ(plan.replicas, 3);
  EXPECT_EQ(plan.ep * plan.moe_tp * plan.pp * plan.attention_dp, 1);
}

TEST(Defaults, AWidthThatIsGivenLeavesTheOthersAtOne) {
  const ParallelPlan plan = only_case(kDense + "    parallel: {pp: 2}\n").plan;
  EXPECT_EQ(plan.tp, 1);
  EXPECT_EQ(plan.replicas, 4);
}

TEST(Defaults, ExpertsAreSlicedUnderTensorParallelAndSpreadUnderAttentionParallel) {
  const ParallelPlan sliced = only_case(kMoe + "    parallel: {tp: 8}\n").plan;
  EXPECT_EQ(sliced.ep, 1);
  EXPECT_EQ(sliced.moe_tp, 8);
  const ParallelPlan spread = only_case(kMoe + "    parallel: {attention_dp: 8}\n").plan;
  EXPECT_EQ(spread.ep, 8);
  EXPECT_EQ(spread.moe_tp, 1);
  const ParallelPlan both = only_case(kMoe + "    parallel: {tp: 8, ep: 4}\n").plan;
  EXPECT_EQ(both.moe_tp, 2);
}

TEST(Defaults, ExpertsAndDispatchFollowTheWeights) {
  const auto dtype_of = [](const Deployment& d, const char* block) {
    const LayerFormats& formats = d.model.layers.back().formats;
    return (block == std::string("o") ? formats.attention.of("o") : formats.routed.of("down"))
        .dtype;
  };
  const Deployment published = only_case(kMoe);
  EXPECT_EQ(dtype_of(published, "o"), Dtype::kBf16);
  EXPECT_EQ(published.dtypes.dispatch, Dtype::kBf16);
  const Deployment fp8 = only_case(kMoe + "    dtype: {weights: fp8}\n");
  EXPECT_EQ(dtype_of(fp8, "routed"), Dtype::kFp8);
  EXPECT_EQ(fp8.dtypes.dispatch, Dtype::kFp8);
  EXPECT_EQ(fp8.dtypes.kv, Dtype::kBf16);
  const Deployment mixed = only_case(kMoe + "    dtype: {weights: bf16, experts: fp4}\n");
  EXPECT_EQ(dtype_of(mixed, "o"), Dtype::kBf16);
  EXPECT_EQ(dtype_of(mixed, "routed"), Dtype::kFp4);
  const Deployment by_module =
      only_case(kMoe + "    dtype: {modules: {\"re:.*self_attn.*\": fp8}}\n");
  EXPECT_EQ(dtype_of(by_module, "o"), Dtype::kFp8);
  EXPECT_EQ(dtype_of(by_module, "routed"), Dtype::kBf16);
}

TEST(Defaults, SeveralNodesGetAFabricAndOneNodeNone) {
  EXPECT_EQ(only_case(kDense).cluster.fabric.kind, FabricKind::kNone);
  const auto two = only_case(changed(kDense, "dgx-h100}", "dgx-h100, nodes: 2}"));
  EXPECT_EQ(two.cluster.fabric.name, "rail-fat-tree");
}

TEST(Sweep, EveryPointIsACaseInOrder) {
  const Scenario scenario = read_text(
      kMoe + "sweep:\n  a.model.top_k: [2, 4]\n  workload.requests.static.batch: [1, 2, 3]\n");
  ASSERT_EQ(scenario.cases.size(), 6u);
  EXPECT_EQ(scenario.cases[1].deployment.model.moe().top_k, 2);
  EXPECT_EQ(scenario.cases[1].workload->requests.size(), 2u);
  EXPECT_EQ(scenario.cases[5].deployment.model.moe().top_k, 4);
  EXPECT_EQ(scenario.cases[5].point[0].second, "4");
}

TEST(Sweep, AnAxisOfOneCaseLeavesTheOthersAlone) {
  const std::string two = kDense + "  - {name: b, model: qwen3-8b, cluster: {node: dgx-h100}}\n";
  const Scenario scenario = read_text(two + "sweep: {a.cluster.nodes: [1, 2]}\n");
  ASSERT_EQ(scenario.cases.size(), 3u);
  EXPECT_EQ(scenario.cases[1].deployment.cluster.nodes, 2);
  EXPECT_EQ(scenario.cases[2].deployment.cluster.nodes, 1);
  EXPECT_TRUE(scenario.cases[2].point.empty());
}

TEST(Sweep, APointThatContradictsItselfIsInfeasibleWithTheReason) {
  const Scenario scenario =
      read_text(kMoe + "    parallel: {tp: 8}\nsweep: {a.parallel.ep: [8, 3]}\n");
  ASSERT_EQ(scenario.cases.size(), 2u);
  EXPECT_EQ(scenario.cases[0].infeasible, "");
  EXPECT_NE(scenario.cases[1].infeasible.find("cases.a.parallel.ep = 3: "), std::string::npos);
}

TEST(Sweep, TheSameContradictionWithoutSweepIsAFault) {
  EXPECT_NE(refusal(kMoe + "    parallel: {tp: 8, ep: 3}\n"), "");
}

TEST(Sweep, ReachesACaseWhoseNameHoldsADot) {
  const std::string text = changed(kDense, "name: a\n", "name: qwen-3.1\n");
  const Scenario scenario = read_text(text + "sweep: {qwen-3.1.cluster.nodes: [1, 2]}\n");
  ASSERT_EQ(scenario.cases.size(), 2u);
  EXPECT_EQ(scenario.cases[1].deployment.cluster.nodes, 2);
}

TEST(Sweep, PointsThatShareAWorkloadKeepItOnce) {
  const Scenario scenario =
      read_text(kDense + "sweep: {site.pue: [1, 1.5], a.engine.max_num_seqs: [8, 16]}\n");
  ASSERT_EQ(scenario.cases.size(), 4u);
  EXPECT_EQ(scenario.cases[0].workload, scenario.cases[3].workload);
}

TEST(Settings, ReplaceAddAndSpellOutShortForms) {
  const Scenario scenario =
      read_text(changed(kMoe, "workload:", "site: germany\nworkload:") + "    engine: vllm\n",
                {{"a.model.top_k", "4"},
                 {"site.pue", "1.1"},
                 {"a.engine.max_num_seqs", "64"},
                 {"seed", "5"}});
  const Deployment& deployment = scenario.cases.at(0).deployment;
  EXPECT_EQ(deployment.model.moe().top_k, 4);
  EXPECT_EQ(deployment.site.pue, 1.1);
  EXPECT_EQ(deployment.site.name, "germany");
  EXPECT_EQ(deployment.serving.memory.max_num_seqs, 64);
  EXPECT_EQ(scenario.seed, 5u);
}

TEST(Settings, MakeSectionsThatTheFileLeavesOut) {
  const Scenario scenario = read_text(kDense, {{"site.pue", "2"}, {"a.parallel.tp", "4"}});
  EXPECT_EQ(scenario.cases.at(0).deployment.site.pue, 2);
  EXPECT_EQ(scenario.cases.at(0).deployment.plan.replicas, 2);
}

TEST(Settings, ReplaceASweepOverTheSamePlace) {
  const Scenario scenario =
      read_text(kMoe + "sweep: {a.model.top_k: [1, 2]}\n", {{"cases.a.model.top_k", "3"}});
  ASSERT_EQ(scenario.cases.size(), 1u);
  EXPECT_EQ(scenario.cases[0].deployment.model.moe().top_k, 3);
}

TEST(Settings, FaultsNameTheSettingAndNoLine) {
  EXPECT_EQ(refusal(kDense, {{"a.parallel.tp", "x"}}),
            "--set: cases.a.parallel.tp: x: a whole number from 1 to 1000000 expected");
  EXPECT_EQ(refusal(kDense, {{"foo", "3"}}),
            "--set: foo: 3: no case or top-level key is called \"foo\"; there are a, schema, name, "
            "question, seed, confidence, site, workload, quality, twins, demand");
  EXPECT_EQ(refusal(kDense, {{"b.parallel.tp", "3"}, {"seed", "-1"}}),
            "--set: b.parallel.tp: 3: no case or top-level key is called \"b\"; did you mean a?\n"
            "--set: seed: -1: a whole number from 0 to 1000000000000 expected");
  EXPECT_EQ(refusal(kDense, {{"a.parallel", "{tp: 1"}}),
            "--set a.parallel:1: not valid YAML or JSON: a { without its }, or a comma missing "
            "before this");
  EXPECT_EQ(refusal(kDense, {{"seed", ""}}), "--set: seed: a value expected");
  EXPECT_NE(refusal(kDense, {{"sweep.x", "[1]"}}), "");
  EXPECT_NE(refusal(kDense, {{"cases", "[]"}}), "");
}

// Reading the resolved text gives the same text and the same cases.
void expect_fixed_point(const Scenario& scenario) {
  const Scenario again = read_text(scenario.resolved);
  EXPECT_EQ(again.resolved, scenario.resolved);
  ASSERT_EQ(again.cases.size(), scenario.cases.size());
  for (std::size_t i = 0; i < again.cases.size(); ++i) {
    const Deployment& a = again.cases[i].deployment;
    const Deployment& b = scenario.cases[i].deployment;
    EXPECT_EQ(again.cases[i].point, scenario.cases[i].point);
    EXPECT_EQ(again.cases[i].infeasible, scenario.cases[i].infeasible);
    EXPECT_TRUE(a.model.layers == b.model.layers) << b.model.name;
    EXPECT_EQ(a.plan.replicas, b.plan.replicas);
    EXPECT_EQ(a.plan.moe_tp, b.plan.moe_tp);
    EXPECT_EQ(a.dtypes.experts, b.dtypes.experts);
    EXPECT_EQ(a.serving.memory.max_num_seqs, b.serving.memory.max_num_seqs);
    EXPECT_EQ(a.site.carbon_kg_per_joule, b.site.carbon_kg_per_joule);
    EXPECT_EQ(a.site.electricity_usd_per_joule, b.site.electricity_usd_per_joule);
    EXPECT_EQ(a.rent_per_device, b.rent_per_device);
  }
}

TEST(Resolved, ReadsBackToItself) {
  expect_fixed_point(read_text(changed(kDense, "workload:", "site: germany\nworkload:") +
                               "    rent_per_device: 2.1 USD/h\n    power_limit: 433.3 W\n"));
  expect_fixed_point(read_text(changed(kMoe, "dgx-h100}", "dgx-h100, nodes: 2}") +
                               "    parallel: {attention_dp: 16}\n"
                               "    placement: {policy: eplb, redundant_experts: 16}\n"
                               "    router: {tokens: power_law, alpha: 0.7}\n"
                               "    engine: sglang\n"));
}

TEST(Resolved, LeavesOpenWhatASweepDecides) {
  expect_fixed_point(read_text(kDense + "sweep: {a.parallel.tp: [8, 4, 3]}\n"));
  expect_fixed_point(read_text(kDense + "sweep: {a.model: [qwen3-8b, olmoe-1b-7b]}\n"));
  expect_fixed_point(read_text(kMoe + "sweep: {a.model.top_k: [2, 4, 999]}\n"));
  expect_fixed_point(read_text(kDense + "sweep: {a.engine.name: [vllm, sglang]}\n"));
  expect_fixed_point(read_text(kDense + "sweep: {site: [germany, france]}\n"));
  expect_fixed_point(read_text(kDense + "sweep: {a.dtype.weights: [fp8, bf16]}\n"));
}

TEST(Resolved, EveryShippedModelReadsBackToItself) {
  for (const std::string& name : catalog_names()) {
    SCOPED_TRACE(name);
    expect_fixed_point(read_text(changed(kDense, "qwen3-8b", name) + "    parallel: {tp: 1}\n"));
  }
}

TEST(Paths, AConfigBesideTheScenarioIsFoundAndKeptInTheResolvedText) {
  std::string config;
  {
    std::ifstream in("models/catalog/qwen3-8b.json");
    config.assign(std::istreambuf_iterator<char>(in), {});
  }
  const TemporaryFile file("config.json", config);
  const std::string scenario_file = file.folder() + "/s.yaml";
  const Scenario scenario =
      read_scenario_text(changed(kDense, "qwen3-8b", "config.json"), scenario_file, {});
  EXPECT_EQ(scenario.cases.at(0).deployment.model.layers.size(), 36u);
  EXPECT_NE(scenario.resolved.find("name: config.json"), std::string::npos);
  EXPECT_EQ(read_scenario_text(scenario.resolved, scenario_file, {}).resolved, scenario.resolved);
}

TEST(Paths, ATraceBesideTheScenarioIsFound) {
  const TemporaryFile file("t.csv",
                           "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.0,5,6\n");
  std::string text = changed(kDense, "{static: {batch: 4}}", "{trace: t.csv}");
  text = changed(text, "  lengths: {input: 32, output: 8}\n", "");
  const Scenario scenario = read_scenario_text(text, file.folder() + "/s.yaml", {});
  ASSERT_EQ(scenario.cases.at(0).workload->requests.size(), 1u);
  EXPECT_EQ(scenario.cases[0].workload->requests[0].output_tokens, 6);
}

}  // namespace
}  // namespace moesim
