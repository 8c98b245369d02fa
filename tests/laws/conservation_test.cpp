// Laws L1, L2, L3, L5: what goes in comes out or is still there, over every shipped scenario.
#include <gtest/gtest.h>

#include <map>

#include "models/router/make/bank_cache.h"
#include "sim/serving/run_case.h"
#include "tests/laws/shipped_cases.h"

namespace moesim {
namespace {

// What the laws need of a Summary, as numbers that cross a process border.
enum Number {
  kArrived,
  kRequestsAccounted,
  kInputArrived,
  kInputAccounted,
  kOutputAsked,
  kOutputAccounted,
  kScaleUpSent,
  kScaleUpReceived,
  kScaleOutSent,
  kScaleOutReceived,
  kKvAllocated,
  kKvFreedOrHeld,
  kHorizon,
  kLeastDeviceTime,
  kMostDeviceTime,
  kLeastActivity,
  kDeviceEnergy,
  kSumOfActivities,
  kPartsOfTotal,
  kTotal,
};

std::vector<double> numbers_of(const Summary& s) {
  double least = 1e300, most = 0, least_activity = 1e300, energy = 0;
  for (const DeviceLedger& device : s.devices) {
    double sum = 0;
    for (const Seconds time : device.time) {
      sum += time.value();
      least_activity = std::min(least_activity, time.value());
    }
    for (const Joules joules : device.energy) energy += joules.value();
    least = std::min(least, sum);
    most = std::max(most, sum);
  }
  const auto d = [](std::int64_t n) { return static_cast<double>(n); };
  const EnergyTotals& e = s.energy;
  return {d(s.in_flight_before + s.arrived),
          d(s.completed + s.rejected + s.in_flight),
          d(s.input_tokens_before + s.input_tokens_arrived),
          d(s.input_tokens_done + s.input_tokens_inside + s.input_tokens_rejected),
          d(s.output_tokens_before + s.output_tokens_asked),
          d(s.output_tokens_done + s.output_tokens_inside + s.output_tokens_rejected),
          s.traffic.scale_up_sent.value(),
          s.traffic.scale_up_received.value(),
          s.traffic.scale_out_sent.value(),
          s.traffic.scale_out_received.value(),
          d(s.kv_blocks_allocated),
          d(s.kv_blocks_freed + s.kv_blocks_held),
          s.horizon.value(),
          least,
          most,
          least_activity,
          e.devices.value(),
          energy,
          (e.devices + e.host + e.network + e.power_supply + e.facility).value(),
          e.total().value()};
}

class EveryCase : public testing::TestWithParam<ShippedCase> {
 protected:
  // Runs the case once for all laws.
  const std::vector<double>& numbers() {
    static std::map<std::string, std::vector<double>> known;
    const auto [at, is_new] = known.try_emplace(GetParam().label);
    if (is_new) {
      at->second = in_child([this] {
        const Case& one = GetParam().one;
        RoutingBank bank;
        const bool is_moe = one.deployment.model.is_moe();
        if (is_moe) {
          bank =
              cached_routing_bank(one.deployment.model, one.deployment.tokens, one.deployment.seed);
        }
        return numbers_of(run_case(one.deployment, brief(*one.workload), is_moe ? &bank : nullptr));
      });
    }
    return at->second;
  }
  void SetUp() override { ASSERT_FALSE(numbers().empty()); }
};

TEST_P(EveryCase, L1RequestsAndTokensAreConserved) {
  EXPECT_GT(numbers()[kArrived], 0);
  EXPECT_EQ(numbers()[kArrived], numbers()[kRequestsAccounted]);
  EXPECT_EQ(numbers()[kInputArrived], numbers()[kInputAccounted]);
  EXPECT_EQ(numbers()[kOutputAsked], numbers()[kOutputAccounted]);
}

TEST_P(EveryCase, L2BytesSentAreBytesReceived) {
  EXPECT_NEAR(numbers()[kScaleUpSent], numbers()[kScaleUpReceived], 1e-9 * numbers()[kScaleUpSent]);
  EXPECT_NEAR(numbers()[kScaleOutSent], numbers()[kScaleOutReceived],
              1e-9 * numbers()[kScaleOutSent]);
}

TEST_P(EveryCase, L3DeviceTimeFillsTheHorizon) {
  EXPECT_GT(numbers()[kHorizon], 0);
  EXPECT_NEAR(numbers()[kLeastDeviceTime], numbers()[kHorizon], 1e-9 * numbers()[kHorizon]);
  EXPECT_NEAR(numbers()[kMostDeviceTime], numbers()[kHorizon], 1e-9 * numbers()[kHorizon]);
  EXPECT_GE(numbers()[kLeastActivity], 0);
}

TEST_P(EveryCase, L3EnergyIsTheSumOfItsParts) {
  EXPECT_GT(numbers()[kDeviceEnergy], 0);
  EXPECT_NEAR(numbers()[kDeviceEnergy], numbers()[kSumOfActivities],
              1e-9 * numbers()[kDeviceEnergy]);
  EXPECT_NEAR(numbers()[kTotal], numbers()[kPartsOfTotal], 1e-9 * numbers()[kTotal]);
}

TEST_P(EveryCase, L3NoDeviceDrawsMoreThanItsPowerLimit) {
  const Deployment& d = GetParam().one.deployment;
  const double limit = d.cluster.node.device.tdp.value() *
                       static_cast<double>(d.cluster.num_devices()) * numbers()[kHorizon];
  EXPECT_LE(numbers()[kDeviceEnergy], limit);
}

TEST_P(EveryCase, L5KvBlocksAreConserved) {
  EXPECT_GT(numbers()[kKvAllocated], 0);
  EXPECT_EQ(numbers()[kKvAllocated], numbers()[kKvFreedOrHeld]);
}

INSTANTIATE_TEST_SUITE_P(Shipped, EveryCase, testing::ValuesIn(shipped_cases()),
                         [](const auto& shipped) { return shipped.param.label; });

}  // namespace
}  // namespace moesim
