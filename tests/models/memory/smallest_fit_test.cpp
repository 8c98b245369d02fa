#include <gtest/gtest.h>

#include "models/config/catalog.h"
#include "models/memory/memory_ledger.h"
#include "models/spec/model_formats.h"
#include "tests/models/made_models.h"

namespace moesim {
namespace {

DeviceSpec device_of(double bytes) {
  DeviceSpec device;
  device.name = "made";
  device.memory = Bytes(bytes);
  device.link_domain = 8;
  return device;
}

DeviceSpec device_gib(double gib) {
  return device_of(gib * 1024 * 1024 * 1024);
}

DtypePlan fp8_weights() {
  DtypePlan dtypes;
  dtypes.weights = FormatName::kFp8;
  dtypes.dispatch = Dtype::kFp8;
  return dtypes;
}

MemoryLedger ledger_of(const ModelSpec& model, const FittingPlan& fit, const DeviceSpec& device) {
  return memory_ledger(model, fit.plan, fit.dtypes, {}, device, {});
}

// 93.4 GB of weights: one 80 GB device is too small, two are not.
TEST(SmallestFit, AnswerFitsAndNothingSmallerDoes) {
  const DeviceSpec h100 = device_gib(79.2);
  const ModelSpec model = made::mixtral_8x7b();
  const auto fit = smallest_fitting_plan(model, {}, {}, h100);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->plan.total_ranks(), 2);
  EXPECT_TRUE(ledger_of(model, *fit, h100).fits());
  EXPECT_FALSE(ledger_of(model, FittingPlan{}, h100).fits());
  EXPECT_EQ(smallest_fit(model, {}, {}, h100),
            "2 devices (tp 2, experts over ep 2) or fp8 weights on 1 device");
}

// 671e9 bytes in fp8: 8 x 80 GiB hold 0.9 x 687e9 = 619e9.
TEST(SmallestFit, NeedsTwoNodesForDeepSeekV3OnH100) {
  const ModelSpec model = in_formats(made::deepseek_v3(), fp8_weights());
  const auto fit = smallest_fitting_plan(model, fp8_weights(), {}, device_gib(79.2));
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->plan.total_ranks(), 16);
  EXPECT_TRUE(plan_faults(fit->plan, model, 16, 0).empty());
  EXPECT_TRUE(ledger_of(model, *fit, device_gib(79.2)).fits());
  EXPECT_LE(fit->plan.tp, 8);
}

TEST(SmallestFit, TriesEveryPlanOfHalfTheDevices) {
  const ModelSpec model = in_formats(made::deepseek_v3(), fp8_weights());
  const DeviceSpec h100 = device_gib(79.2);
  for (std::int64_t tp = 1; tp <= 8; tp *= 2) {
    for (std::int64_t dp = 1; tp * dp <= 8; dp *= 2) {
      ParallelPlan plan;
      plan.tp = tp;
      plan.attention_dp = dp;
      plan.ep = tp * dp;
      plan.pp = 8 / (tp * dp);
      EXPECT_FALSE(memory_ledger(model, plan, fp8_weights(), {}, h100, {}).fits());
    }
  }
}

TEST(SmallestFit, DenseModelsAreSplitByWidth) {
  EXPECT_EQ(smallest_fit(made::llama_2_70b(), {}, {}, device_gib(79.2)),
            "2 devices (tp 2) or fp8 weights on 1 device");
}

TEST(SmallestFit, FindsAPlanForEveryShippedModel) {
  for (const std::string& name : catalog_names()) {
    const ModelSpec model = load_model(name);
    const auto fit = smallest_fitting_plan(model, {}, {}, device_gib(79.2));
    ASSERT_TRUE(fit) << name;
    EXPECT_TRUE(plan_faults(fit->plan, model, fit->plan.total_ranks(), 0).empty()) << name;
    EXPECT_TRUE(ledger_of(model, *fit, device_gib(79.2)).fits()) << name;
  }
}

TEST(SmallestFit, SaysNothingWhenNothingFits) {
  EXPECT_EQ(smallest_fit(made::deepseek_v3(), {}, {}, device_of(1e9)), std::nullopt);
}

}  // namespace
}  // namespace moesim
