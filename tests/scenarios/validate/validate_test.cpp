// Rows of published measurements become predictions under exactly their conditions, or are left out
// by name.
#include "scenarios/validate/validate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "reports/results/case_report.h"
#include "scenarios/run/run.h"
#include "scenarios/validate/output_file.h"
#include "scenarios/validate/rows/power_law.h"
#include "scenarios/validate/scores/predictions_csv.h"
#include "tests/scenarios/scenario_text.h"
#include "tests/scenarios/validate/truth_text.h"
#include "tests/temporary_file.h"

namespace moesim {
namespace {

// Profiles take a while to read.
const Library& library() {
  static const Library library;
  return library;
}

Validation planned(const std::string& text) {
  const TemporaryFile file("t.csv", text);
  return plan_validation({file.path()}, library());
}

// Why the only row of a table is left out; empty if it is not.
std::string reason(Topic topic, const Cells& cells) {
  return planned(table_text(topic, {cells})).plan.measurements().at(0).skipped;
}

std::string serving_reason(const Cells& changes) {
  return reason(Topic::kServing, with(kClosedLoop, changes));
}

Validation validated(const std::string& text, int jobs = 2) {
  Validation validation = planned(text);
  run_simulations(validation, library(), {jobs, {}});
  return validation;
}

const Cells kTtft = with(kClosedLoop, {{"id", "b"}, {"metric", "ttft_s"}});

TEST(Validate, MetricsOfOneConditionShareOneSimulation) {
  const auto plan = planned(table_text(Topic::kServing, {kClosedLoop, kTtft})).plan;
  EXPECT_EQ(plan.measurements().size(), 2u);
  EXPECT_EQ(plan.simulations().size(), 1u);
}

TEST(Validate, AClosedLoopIsWhatTheScenarioOfTheSameWordsGives) {
  const Validation validation =
      validated(table_text(Topic::kServing, {with(kClosedLoop, {{"n_gpus", "8"}, {"tp", "8"}}),
                                             with(kTtft, {{"n_gpus", "8"}, {"tp", "8"}})}));
  std::string text = changed(kDense, "{static: {batch: 4}}", "{closed_loop: 2}\n  measure: all");
  text = changed(text, "{input: 32, output: 8}", "{input: 64, output: 8}");
  text = changed(text, "qwen3-8b", "llama-3.1-8b") + "    dtype: {weights: fp8, kv: fp8}\n";
  const Report report = run(read_text(text), {});
  const auto value = [&](Metric key) { return metric(report.cases.at(0), key).value(); };
  EXPECT_NEAR(validation.plan.measurements()[0].predicted, value(Metric::kTpotMean), 1e-12);
  EXPECT_NEAR(validation.plan.measurements()[1].predicted, value(Metric::kTtftMean), 1e-12);
}

TEST(Validate, PredictionsAreTheSameForAnyNumberOfJobs) {
  std::vector<Cells> rows;
  for (int users = 1; users <= 6; ++users) {
    const std::string n = std::to_string(users);
    rows.push_back(with(kClosedLoop, {{"id", n}, {"concurrency", n}}));
  }
  const std::string text = table_text(Topic::kServing, rows);
  EXPECT_EQ(predictions_csv(validated(text, 1).plan), predictions_csv(validated(text, 4).plan));
}

TEST(Validate, WhatARowDoesNotStateIsNamed) {
  EXPECT_EQ(serving_reason({{"concurrency", ""}}), "concurrency not stated");
  EXPECT_EQ(serving_reason({{"isl", ""}}), "isl not stated");
  EXPECT_EQ(serving_reason({{"osl", "0"}}), "osl not stated");
  EXPECT_EQ(serving_reason({{"n_gpus", ""}}), "n_gpus not stated");
  EXPECT_EQ(serving_reason({{"engine", ""}}), "engine not stated");
  EXPECT_EQ(serving_reason({{"model", ""}}), "model not stated");
  EXPECT_EQ(serving_reason({{"power_limit_w", "capped"}}), "power limit not stated in watts");
}

TEST(Validate, WhatIsNotKnownIsNamed) {
  EXPECT_EQ(serving_reason({{"model", "gpt-9"}}), "model gpt-9 is not in the catalogue");
  EXPECT_EQ(serving_reason({{"hardware", "z80"}}), "hardware z80 has no profile");
  EXPECT_EQ(serving_reason({{"engine", "abacus 2"}}), "engine abacus 2 is not modelled");
  EXPECT_EQ(serving_reason({{"engine", "vllm 0.1.7"}}), "no profile of vllm 0.1.7");
  EXPECT_EQ(serving_reason({{"weight_dtype", "fp3"}}), "format fp3 not known");
  EXPECT_EQ(serving_reason({{"mode", "batch"}}), "mode batch is not known");
}

TEST(Validate, ASlugIsNeverAPath) {
  EXPECT_EQ(serving_reason({{"model", "models/catalog/llama-3.1-8b.json"}}),
            "model models/catalog/llama-3.1-8b.json is not in the catalogue");
}

TEST(Validate, ALayoutThatTheModelCannotHaveIsNamed) {
  EXPECT_EQ(serving_reason({{"n_gpus", "20"}, {"tp", "20"}}).rfind("layout: tp 20", 0), 0u);
}

TEST(Validate, AnExpertLayoutIsDerivedWhereOnlyOneIsPossible) {
  const Cells moe = {{"model", "qwen3-30b-a3b"}, {"n_gpus", "4"}, {"tp", "4"}};
  EXPECT_EQ(serving_reason(moe), "expert layout (moe_tp, ep) not stated");
  const auto text = table_text(Topic::kServing, {with(kClosedLoop, with(moe, {{"ep", "2"}}))});
  const ParallelPlan plan = planned(text).plan.simulations().at(0).plan;
  EXPECT_EQ(plan.ep, 2);
  EXPECT_EQ(plan.moe_tp, 2);
}

TEST(Validate, GpusBeyondOneInstanceAreReplicas) {
  const auto text = table_text(
      Topic::kServing, {with(kClosedLoop, {{"n_gpus", "4"}, {"tp", "2"}, {"attn_dp", "1"}})});
  EXPECT_EQ(planned(text).plan.simulations().at(0).plan.replicas, 2);
}

TEST(Validate, FourBitMixturesKeepAttentionInSixteenBit) {
  const auto dtypes = [](const char* model) {
    const auto text = table_text(Topic::kServing,
                                 {with(kClosedLoop, {{"model", model}, {"weight_dtype", "fp4"}})});
    return planned(text).plan.simulations().at(0).dtypes;
  };
  EXPECT_EQ(dtypes("gpt-oss-120b").weights, FormatName::kBf16);
  EXPECT_EQ(dtypes("gpt-oss-120b").experts, FormatName::kFp4);
  EXPECT_EQ(dtypes("llama-3.1-8b").weights, FormatName::kFp4);
}

TEST(Validate, WhatDoesNotFitIsNamed) {
  const Validation validation =
      validated(table_text(Topic::kServing, {with(kClosedLoop, {{"model", "llama-3.1-405b"}})}));
  EXPECT_EQ(validation.plan.measurements()[0].skipped.rfind("does not fit: ", 0), 0u);
  EXPECT_FALSE(validation.any_predicted());
}

TEST(Validate, ABadRowIsLeftOutAndTheOthersAreScored) {
  const Validation validation = validated(
      table_text(Topic::kServing, {with(kClosedLoop, {{"id", "x"}, {"tp", "many"}}), kClosedLoop}));
  EXPECT_EQ(validation.faults.size(), 1u);
  EXPECT_EQ(validation.plan.measurements()[0].skipped.rfind("tp: ", 0), 0u);
  EXPECT_TRUE(validation.plan.measurements()[1].skipped.empty());
}

TEST(Validate, TablesOfSeveralTopicsGoTogether) {
  const TemporaryFile serving("s.csv", table_text(Topic::kServing, {kClosedLoop}));
  const TemporaryFile training(
      "t.csv", table_text(Topic::kTraining, {{{"id", "t"}, {"metric", "mfu"}, {"value", "0.4"}}}));
  const Validation validation = plan_validation({serving.path(), training.path()}, library());
  ASSERT_EQ(validation.plan.measurements().size(), 2u);
  EXPECT_EQ(validation.plan.measurements()[1].skipped, "training is not simulated yet");
}

TEST(Validate, TheEngineIsTheOneOfTheRowsReleaseOrDate) {
  const auto engine_of = [](const Cells& cells) {
    const auto validation = planned(table_text(Topic::kServing, {with(kClosedLoop, cells)}));
    return validation.plan.simulations().at(0).engine;
  };
  EXPECT_EQ(engine_of({{"engine", "vllm 0.12.0"}}), "vllm 0.12.0");
  EXPECT_EQ(engine_of({{"engine", "vLLM V1 (2025-04)"}}), "vllm 2025-04");
  EXPECT_EQ(engine_of({{"engine", "sglang"}, {"notes", "measured 2025-11-02; fp8"}}),
            "sglang 2025-11");
}

// 8.03 G parameters of 2 bytes.
TEST(Validate, WeightsComeFromTheLedger) {
  const auto validation = planned(table_text(Topic::kMemory, {{{"id", "m"},
                                                               {"model", "llama-3.1-8b"},
                                                               {"hardware", "h100-sxm-80gb"},
                                                               {"tp", "1"},
                                                               {"dtype", "bf16"},
                                                               {"engine", "vLLM V1"},
                                                               {"metric", "weights_bytes_per_gpu"},
                                                               {"value", "1.6e10"},
                                                               {"unit", "B"}}}));
  EXPECT_NEAR(validation.plan.measurements()[0].predicted, 16.06e9, 0.03e9);
}

TEST(Validate, AGemmTakesItsFlopsAtLessThanThePeakAndAStart) {
  const Cells gemm = {{"id", "g"},       {"kind", "gemm"},     {"hardware", "h100-sxm-80gb"},
                      {"dtype", "bf16"}, {"m", "8192"},        {"n", "8192"},
                      {"k", "8192"},     {"metric", "time_s"}, {"value", "0.0015"},
                      {"unit", "s"}};
  const auto time = planned(table_text(Topic::kKernels, {gemm})).plan.measurements().at(0);
  const double at_peak = 2 * 8192.0 * 8192 * 8192 / 989.4e12;
  EXPECT_GT(time.predicted, at_peak);
  EXPECT_LT(time.predicted, 2 * at_peak);
  const auto rate = planned(table_text(Topic::kKernels,
                                       {with(gemm, {{"metric", "tflops"}, {"unit", "TFLOP/s"}})}))
                        .plan.measurements()
                        .at(0);
  EXPECT_NEAR(rate.predicted * time.predicted, at_peak * 989.4, 1e-6);
}

TEST(Validate, ACollectiveTakesTheNetworkThatTheRowNames) {
  const Cells row = {{"id", "c"},          {"op", "all_reduce"}, {"hardware", "h100-sxm-80gb"},
                     {"n_gpus", "16"},     {"n_nodes", "2"},     {"message_bytes", "1e10"},
                     {"metric", "time_s"}, {"value", "0.1"},     {"unit", "s"}};
  const auto seconds = [&](const char* network) {
    return planned(table_text(Topic::kCollectives, {with(row, {{"network", network}})}))
        .plan.measurements()
        .at(0)
        .predicted;
  };
  EXPECT_NEAR(seconds("IB 100 Gb/s per GPU") / seconds("IB 200 Gb/s per GPU"), 2, 0.05);
  EXPECT_DOUBLE_EQ(seconds("IB 1600 Gb/s per node"), seconds("IB 200 Gb/s per GPU"));
}

TEST(Validate, WideEnergyRowsGiveEachOfTheirFigures) {
  const Cells wide = {{"id", "e"},
                      {"model", "llama-3.1-8b"},
                      {"hardware", "h100-sxm-80gb"},
                      {"n_gpus", "1"},
                      {"tp", "1"},
                      {"dtype", "bf16"},
                      {"engine", "vllm"},
                      {"task", "lm-arena-chat"},
                      {"osl", "16.2"},
                      {"batch", "3.9"},
                      {"max_num_seqs", "4"},
                      {"joules_per_output_token", "1"},
                      {"average_power_w", "400"},
                      {"output_tokens_per_s", "400"}};
  const auto plan = validated(table_text(Topic::kEnergy, {wide})).plan;
  const auto& rows = plan.measurements();
  ASSERT_EQ(rows.size(), 4u);  // The fourth: power at the published rate.
  EXPECT_EQ(plan.simulations().size(), 1u);
  EXPECT_NEAR(rows[0].predicted, rows[1].predicted / rows[2].predicted, 1e-9);
  EXPECT_GT(rows[1].predicted, 100);
  EXPECT_LT(rows[1].predicted, 700);
}

TEST(PowerLaw, TheFullestRankHoldsAtLeastTheMeanAndAtMostEveryToken) {
  RandomStream random(1, "test");
  for (const std::int64_t tokens : {1, 7, 64, 4096}) {
    const SkewedLayer layer{tokens, 8, 128, 16, 1.2};
    for (int draw = 0; draw < 5; ++draw) {
      const ExpertLoad load = fullest_rank(layer, random);
      EXPECT_GE(load.pairs * layer.groups, tokens * 8);
      EXPECT_LE(load.pairs, tokens * 8);
      EXPECT_LE(load.experts_hit, 8);
      EXPECT_GE(load.experts_hit * tokens, load.pairs);
    }
  }
}

TEST(PowerLaw, OneRankHoldsAllPairs) {
  RandomStream random(1, "test");
  EXPECT_EQ(fullest_rank({100, 2, 8, 1, 1.01}, random).pairs, 200);
}

TEST(Predictions, AreALineEachWithTheReasonWhereThereIsNone) {
  ValidationPlan plan;
  Faults faults;
  const auto table =
      read_truth_text(table_text(Topic::kServing, {kClosedLoop, kTtft}), "t", faults);
  plan.predict(plan.add(*table, table->rows[0]), 0.00625);
  plan.skip(plan.add(*table, table->rows[1]), "tp, pp unclear");
  EXPECT_EQ(predictions_csv(plan),
            "id,metric,predicted,unit,status\n"
            "a,tpot_s,0.00625,s,predicted\n"
            "b,ttft_s,,s,\"skipped: tp, pp unclear\"\n");
}

TEST(Predictions, WhatIsNoNumberIsNeverWritten) {
  ValidationPlan plan;
  Faults faults;
  const auto table = read_truth_text(table_text(Topic::kServing, {kClosedLoop}), "t", faults);
  plan.predict(plan.add(*table, table->rows[0]), std::nan(""));
  EXPECT_EQ(plan.measurements()[0].skipped, "the prediction is no finite number");
}

TEST(Predictions, AreWrittenWholeOrNotAtAll) {
  const TemporaryFile old("p.csv", "old");
  write_file(predictions_csv(ValidationPlan()), old.path());
  std::stringstream text;
  text << std::ifstream(old.path()).rdbuf();
  EXPECT_EQ(text.str(), "id,metric,predicted,unit,status\n");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(old.folder()), {}), 1);
  EXPECT_THROW(check_can_write(old.folder()), InputError);
  EXPECT_THROW(check_can_write(old.folder() + "/no/p.csv"), InputError);
}

}  // namespace
}  // namespace moesim
