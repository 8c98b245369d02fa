#include "models/spec/parallel_plan.h"

#include <gtest/gtest.h>

#include "tests/models/made_models.h"

namespace moesim {
namespace {

// "path value: allowed" of every fault, one a line.
std::string faults_of(const ParallelPlan& plan, const ModelSpec& model, std::int64_t devices,
                      std::int64_t redundant = 0) {
  std::string text;
  for (const PlanFault& fault : plan_faults(plan, model, devices, redundant)) {
    text += fault.path + " " + fault.value + ": " + fault.allowed + "\n";
  }
  return text;
}

ParallelPlan tensor_parallel(std::int64_t tp) {
  ParallelPlan plan;
  plan.tp = tp;
  return plan;
}

ParallelPlan expert_parallel(std::int64_t ranks) {
  ParallelPlan plan;
  plan.attention_dp = ranks;
  plan.ep = ranks;
  return plan;
}

TEST(PlanFaults, AcceptsPublishedLayouts) {
  EXPECT_EQ(faults_of(tensor_parallel(8), made::llama_2_70b(), 8), "");
  EXPECT_EQ(faults_of(expert_parallel(32), made::deepseek_v3(), 32, 32), "");
  ParallelPlan mixtral = tensor_parallel(8);
  mixtral.moe_tp = 8;
  EXPECT_EQ(faults_of(mixtral, made::mixtral_8x7b(), 8), "");
  mixtral.pp = 2;
  mixtral.replicas = 3;
  EXPECT_EQ(faults_of(mixtral, made::mixtral_8x7b(), 48), "");
}

TEST(PlanFaults, TensorParallelWidthDividesTheHeads) {
  ModelSpec model = made::llama_2_70b();
  for (LayerSpec& layer : model.layers) {
    layer.attention.num_heads = layer.attention.num_kv_heads = 40;
    layer.dense_width = 0;
  }
  EXPECT_EQ(faults_of(tensor_parallel(16), model, 16),
            "tp 16: must divide the model's 40 attention heads: 1, 2, 4, 5, 8, 10\n"
            "tp 16: must divide the model's 40 KV heads (1, 2, 4, 5, 8, 10) or be a multiple of "
            "them\n");
  EXPECT_EQ(faults_of(tensor_parallel(20), model, 20), "");
}

TEST(PlanFaults, TensorParallelWidthMatchesTheKvHeads) {
  ModelSpec model = made::llama_2_70b();
  for (LayerSpec& layer : model.layers) layer.attention.num_heads = 48;
  EXPECT_EQ(faults_of(tensor_parallel(16), model, 16), "");  // 16 = 2 x 8 KV heads: replicated.
  for (LayerSpec& layer : model.layers) layer.dense_width = 12288;
  EXPECT_EQ(faults_of(tensor_parallel(12), model, 12),
            "tp 12: must divide the model's 8 KV heads (1, 2, 4, 8) or be a multiple of them\n");
}

TEST(PlanFaults, EveryRankHoldsAttentionAndExperts) {
  ParallelPlan plan = tensor_parallel(8);
  EXPECT_EQ(faults_of(plan, made::mixtral_8x7b(), 8),
            "ep 1: ep 1 * moe_tp 1 must equal tp 8 * attention_dp 1 = 8: moe_tp 8 or ep 8\n");
}

TEST(PlanFaults, ExpertGroupsDivideTheExperts) {
  EXPECT_EQ(faults_of(expert_parallel(96), made::deepseek_v3(), 96),
            "ep 96: must divide the model's 256 experts: 1, 2, 4, 8, 16, 32, 64\n");
}

TEST(PlanFaults, RedundantExpertsFillEveryGroup) {
  EXPECT_EQ(faults_of(expert_parallel(96), made::deepseek_v3(), 96, 32), "");
  EXPECT_EQ(faults_of(expert_parallel(96), made::deepseek_v3(), 96, 31),
            "redundant_experts 31: the model's 256 experts and the redundant ones must be a "
            "multiple of ep 96: 32, 128, 224, ...\n");
}

TEST(PlanFaults, RedundantExpertsNeedGroupsToGoTo) {
  EXPECT_EQ(faults_of({}, made::mixtral_8x7b(), 1, 8),
            "redundant_experts 8: needs ep > 1: copies on one group relieve nothing\n");
  EXPECT_EQ(faults_of({}, made::llama_2_70b(), 1, 8),
            "redundant_experts 8: must be 0: the model is dense\n");
  EXPECT_EQ(faults_of(expert_parallel(2), made::mixtral_8x7b(), 2, 10),
            "redundant_experts 10: must be at most 8: every expert on each of 2 groups\n");
}

TEST(PlanFaults, DenseModelsHaveNoExpertRanks) {
  ParallelPlan plan = tensor_parallel(8);
  plan.ep = 8;
  EXPECT_EQ(faults_of(plan, made::llama_2_70b(), 8), "ep 8: must be 1: the model is dense\n");
}

TEST(PlanFaults, TheWholeClusterIsUsed) {
  EXPECT_EQ(faults_of(tensor_parallel(4), made::llama_2_70b(), 8),
            "replicas 1: must be 2: tp 4 * attention_dp 1 * pp 1 = 4 devices a replica, the "
            "cluster has 8\n");
  EXPECT_EQ(faults_of(tensor_parallel(8), made::llama_2_70b(), 4),
            "tp 8: tp 8 * attention_dp 1 * pp 1 * replicas 1 must equal the cluster's 4 "
            "devices\n");
}

TEST(PlanFaults, StagesAreNotEmpty) {
  ParallelPlan plan;
  plan.pp = 81;
  EXPECT_EQ(faults_of(plan, made::llama_2_70b(), 81),
            "pp 81: must be at most the model's 80 layers\n");
  plan.pp = 80;
  EXPECT_EQ(faults_of(plan, made::llama_2_70b(), 80), "");
}

TEST(PlanFaults, WidthsArePositiveAndMayBeAbsurd) {
  ParallelPlan plan;
  plan.tp = 0;
  plan.pp = -1;
  EXPECT_EQ(faults_of(plan, made::llama_2_70b(), 8),
            "tp 0: must be at least 1\npp -1: must be at least 1\n");
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_FALSE(
      plan_faults({huge, huge, huge, huge, huge, huge}, made::deepseek_v3(), 8, huge).empty());
}

TEST(PlanFaults, TellsAllAtOnce) {
  ParallelPlan plan;
  plan.tp = 5;
  plan.pp = 100;
  plan.ep = 3;
  EXPECT_GE(plan_faults(plan, made::mixtral_8x7b(), 8, 0).size(), 5u);
}

TEST(StageLayers, EarlierStagesTakeTheRemainder) {
  std::vector<std::int64_t> lengths;
  std::int64_t next = 0;
  for (std::int64_t stage = 0; stage < 4; ++stage) {
    const LayerRange range = stage_layers(61, 4, stage);
    EXPECT_EQ(range.first, next);
    next = range.last;
    lengths.push_back(range.last - range.first);
  }
  EXPECT_EQ(next, 61);
  EXPECT_EQ(lengths, (std::vector<std::int64_t>{16, 15, 15, 15}));
}

}  // namespace
}  // namespace moesim
