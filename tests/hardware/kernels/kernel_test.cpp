#include "hardware/kernels/kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

namespace moesim {
namespace {

using namespace literals;

// Round numbers: 1 PFLOP/s, 1 TB/s, 100 SMs, 1000 W; half of each peak is reached.
DeviceSpec round_device() {
  DeviceSpec device;
  device.name = "round";
  device.peak = {{Dtype::kBf16, 1000.0_TFLOPps}, {Dtype::kFp8, 2000.0_TFLOPps}};
  device.memory_bandwidth = 1.0_TBps;
  device.num_sms = 100;
  device.tdp = 1000.0_W;
  device.idle = 100.0_W;
  device.context = 50.0_W;
  KernelFamily& family = device.family;
  family.launch = 3.0_us;
  family.eager_launch_factor = 2;
  family.compute_efficiency = {{Dtype::kBf16, 0.5}, {Dtype::kFp8, 0.5}};
  family.bandwidth_efficiency = 0.5;
  family.kv_bandwidth_efficiency = 0.25;
  family.attention_compute_efficiency = 0.5;
  family.attention_ramp_tokens = 500;
  family.attention_ramp_head_dim = 73;
  family.expert_compute_efficiency = 0.5;
  family.expert_rows_lost = 50;
  family.widened_expert_efficiency = 0.5;
  family.widened_rows_lost = 10;
  family.cache_bandwidth_factor = 3;
  family.overlap_exponent = 2;
  family.lowest_clock = 0.2;
  family.expert_tile_rows = {{Dtype::kBf16, 16}};
  family.power_busy = 0.3;
  family.power_hbm = 0.4;
  family.power_tensor = 2.0;
  family.power_link = 0.2;
  family.power_cap = 0.98;
  family.power_waiting = 0.25;
  return device;
}

DeviceModel round_model(Watts limit = Watts(0)) {
  return DeviceModel(round_device(), limit, 1);
}

Kernel gemm(std::int64_t m, std::int64_t n, std::int64_t k) {
  const double md = static_cast<double>(m), nd = static_cast<double>(n),
               kd = static_cast<double>(k);
  Kernel kernel;
  kernel.kind = KernelKind::kGemm;
  kernel.m = m;
  kernel.n = n;
  kernel.k = k;
  kernel.flops = Flops(2 * md * nd * kd);
  kernel.bytes = Bytes(2 * (md * kd + nd * kd + md * nd));
  return kernel;
}

Kernel experts(std::int64_t rows, std::int64_t hit) {
  Kernel kernel = gemm(rows, 4096, 4096);
  kernel.kind = KernelKind::kGroupedGemm;
  kernel.groups = hit;
  kernel.bytes = Bytes(2.0 * 4096 * 4096 * static_cast<double>(hit));
  return kernel;
}

Kernel traffic(Bytes bytes) {
  Kernel kernel;
  kernel.bytes = bytes;
  return kernel;
}

Kernel attention(KernelKind kind, double flops, double bytes, std::int64_t keys) {
  Kernel kernel;
  kernel.kind = kind;
  kernel.flops = Flops(flops);
  kernel.bytes = Bytes(bytes);
  kernel.keys = keys;
  return kernel;
}

// One of each kind, small and large.
std::vector<Kernel> samples() {
  return {gemm(1, 4096, 4096),
          gemm(64, 8192, 1024),
          gemm(8192, 8192, 8192),
          gemm(300, 130, 70),
          experts(8, 8),
          experts(65536, 16),
          traffic(1.0_MB),
          attention(KernelKind::kPrefillAttention, 1e12, 1e6, 2048),
          attention(KernelKind::kDecodeAttention, 1e9, 1e9, 0)};
}

double seconds(const Kernel& kernel) {
  return round_model().cost(kernel, false).time().value();
}
double busy(const Kernel& kernel) {
  return round_model().cost(kernel, false).busy.value();
}

TEST(KernelTime, OfPureTrafficIsLaunchPlusBytesOverReachedBandwidth) {
  const KernelCost cost = round_model().cost(traffic(500.0_MB), false);
  EXPECT_DOUBLE_EQ(cost.launch.value(), 3e-6);
  EXPECT_DOUBLE_EQ(cost.busy.value(), 1e-3);  // 0.5 GB at 0.5 TB/s.
  EXPECT_EQ(cost.bound, Bound::kMemory);
}

TEST(KernelTime, OfASingleRowGemmIsThatOfReadingTheWeights) {
  const double weights = 2.0 * 16384 * 16384 / 0.5e12;
  const double t = busy(gemm(1, 16384, 16384));
  EXPECT_GT(t, weights);
  EXPECT_LT(t, 1.02 * weights);
}

// 100 tiles of 64 columns on 100 SMs: no row or column is computed that the result does not have.
TEST(KernelTime, OfAGemmComputesNoMoreRowsThanThereAre) {
  for (const std::int64_t rows : {1, 8, 40, 64}) {
    Kernel kernel = gemm(rows, 6400, 4096);
    kernel.bytes = Bytes(0);
    EXPECT_NEAR(busy(kernel), kernel.flops.value() / 0.5e15, 1e-15) << rows;
  }
}

// A tile of one row and 64 columns fetches 64 weights for each k; split eight ways at most.
TEST(KernelTime, OfAGemmFetchesWeightsAsTheyAreStored) {
  DeviceSpec device = round_device();
  device.family.sm_bandwidth_share = 4;  // 40 GB/s per SM.
  Kernel thin = gemm(1, 64, 65536);
  thin.bytes = Bytes(0);
  thin.weight_bytes = 0.5;
  const double pulled = (2 + 64 * 0.5) * 65536 / 8 / 40e9;
  const double t = DeviceModel(device, Watts(0), 1).cost(thin, false).busy.value();
  EXPECT_GT(t, pulled);
  EXPECT_LT(t, 1.01 * pulled);
}

TEST(KernelTime, OfALargeSquareGemmIsThatOfTheReachedPeak) {
  // 80 x 80 tiles of 128 x 128: 64 full waves over 100 SMs, so no tail.
  const Kernel square = gemm(10240, 10240, 10240);
  const double flops = square.flops.value() / 0.5e15;
  const KernelCost cost = round_model().cost(square, false);
  EXPECT_EQ(cost.bound, Bound::kCompute);
  EXPECT_GT(cost.busy.value(), flops);
  EXPECT_LT(cost.busy.value(), 1.1 * flops);
}

TEST(KernelTime, AtTheRidgeIsLongerThanEitherBoundBySqrtTwo) {
  Kernel kernel = attention(KernelKind::kDecodeAttention, 0.5e12, 0, 0);  // 1 ms of compute
  EXPECT_DOUBLE_EQ(busy(kernel), 1e-3);
  kernel.bytes = 250.0_MB;  // and 1 ms of cache reads
  EXPECT_NEAR(busy(kernel), std::sqrt(2.0) * 1e-3, 1e-12);
}

TEST(KernelTime, FollowsTheOverlapExponent) {
  DeviceSpec device = round_device();
  const Kernel ridge = attention(KernelKind::kDecodeAttention, 0.5e12, 250e6, 0);
  device.family.overlap_exponent = 1;  // Serial.
  EXPECT_NEAR(DeviceModel(device, Watts(0), 1).cost(ridge, false).busy.value(), 2e-3, 1e-12);
  device.family.overlap_exponent = 3;
  EXPECT_NEAR(DeviceModel(device, Watts(0), 1).cost(ridge, false).busy.value(),
              std::cbrt(2.0) * 1e-3, 1e-12);
}

TEST(KernelTime, JumpsWhenOneMoreTileNeedsAnotherWave) {
  // With k this short it does not pay to split it. 100 SMs: 10 x 10 tiles of 256 x 128 fill one
  // wave.
  const double full = busy(gemm(2560, 1280, 4096));
  const double more = busy(gemm(2561, 1280, 4096));
  EXPECT_GT(more, 1.04 * full);
  EXPECT_LT(busy(gemm(2559, 1280, 4096)), full * (1 + 1e-12));
}

TEST(KernelTime, OfFewTilesIsBoundByTheBytesThatOneSmCanPull) {
  DeviceSpec device = round_device();
  const Kernel thin = gemm(64, 64, 65536);  // One tile; split eight ways at most.
  const double free_loads = DeviceModel(device, Watts(0), 1).cost(thin, false).busy.value();
  device.family.sm_bandwidth_share = 4;  // 40 GB/s per SM.
  const double bound_loads = DeviceModel(device, Watts(0), 1).cost(thin, false).busy.value();
  const double pulled = 128 * 65536 / 8 * 2 / 40e9;
  EXPECT_GT(bound_loads, pulled);
  EXPECT_LT(bound_loads, 1.2 * pulled);
  EXPECT_GT(bound_loads, 1.5 * free_loads);
}

TEST(KernelTime, OfAGemmRunAsManyTimesIsProportional) {
  Kernel run = gemm(4096, 4096, 4096);
  const double once = busy(run);
  run.flops *= 10;
  run.bytes *= 10;
  EXPECT_NEAR(busy(run), 10 * once, 1e-9 * once);
}

TEST(KernelTime, OfABatchedGemmFillsTheSmsThatOneProblemLeavesIdle) {
  Kernel batch = gemm(64, 64, 512);  // One tile, or a few with k split.
  batch.bytes = Bytes(0);
  const double once = busy(batch);
  batch.groups = 10;
  batch.flops *= 10;
  EXPECT_LT(busy(batch), 6 * once);
  EXPECT_GT(busy(batch), once);
}

TEST(KernelTime, OfFewRowsPerExpertIsLinearInTheExpertsHit) {
  EXPECT_NEAR(busy(experts(64, 64)), 64 * busy(experts(1, 1)), 1e-3 * busy(experts(64, 64)));
}

TEST(KernelTime, OfExpertsLosesFiftyRowsForEachExpertHit) {
  // 100 rows an expert and 50 more. 0.5 * 0.5 of the peak is reached.
  Kernel kernel = experts(1000, 10);
  kernel.bytes = Bytes(0);
  EXPECT_NEAR(busy(kernel), 1.5 * kernel.flops.value() / 0.25e15, 1e-12);
}

TEST(KernelTime, OfExpertsLosesFewerRowsThanAnExpertHas) {
  for (const std::int64_t rows : {1, 2, 50}) {
    Kernel kernel = experts(10 * rows, 10);
    kernel.bytes = Bytes(0);
    const double padded = static_cast<double>(2 * rows - 1) / static_cast<double>(rows);
    EXPECT_NEAR(busy(kernel), padded * kernel.flops.value() / 0.25e15, 1e-12) << rows;
  }
}

TEST(KernelTime, OfWidenedExpertsHasItsOwnRateAndRowsLost) {
  // The device has no four-bit units: half the rate, and 10 rows of 50 lost in place of 50.
  Kernel kernel = experts(500, 10);
  kernel.bytes = Bytes(0);
  kernel.dtype = Dtype::kFp4;
  EXPECT_NEAR(busy(kernel), 1.2 * kernel.flops.value() / 0.125e15, 1e-12);
}

TEST(KernelTime, OfPrefillAttentionDoublesAtTheRamp) {
  EXPECT_NEAR(busy(attention(KernelKind::kPrefillAttention, 1e12, 0, 500)), 2 * 2e-3, 1e-12);
  EXPECT_NEAR(busy(attention(KernelKind::kPrefillAttention, 1e12, 0, 500'000)), 2e-3, 3e-6);
}

TEST(KernelTime, OfPrefillAttentionIsLongerForSmallHeads) {
  Kernel kernel = attention(KernelKind::kPrefillAttention, 1e12, 0, 4096);
  const double large = busy(kernel);
  kernel.k = 128;
  EXPECT_DOUBLE_EQ(busy(kernel), large);
  kernel.k = 64;
  EXPECT_NEAR(large / busy(kernel), 0.733, 1e-3);
}

TEST(KernelTime, OfDecodeAttentionIsThatOfReadingTheCache) {
  EXPECT_DOUBLE_EQ(busy(attention(KernelKind::kDecodeAttention, 0, 250e6, 0)), 1e-3);
}

TEST(KernelTime, LaunchesScaleWithEngineFactorCountAndEagerness) {
  const DeviceModel model(round_device(), Watts(0), 1.5);
  Kernel kernel = traffic(1.0_MB);
  kernel.launches = 4;
  EXPECT_DOUBLE_EQ(model.cost(kernel, false).launch.value(), 4 * 1.5 * 3e-6);
  EXPECT_DOUBLE_EQ(model.cost(kernel, true).launch.value(), 2 * 4 * 1.5 * 3e-6);
}

TEST(KernelTime, OfNoWorkIsTheLaunchAlone) {
  for (Kernel kernel : samples()) {
    kernel.m = 0;
    kernel.groups = 0;
    kernel.keys = 0;
    kernel.flops = Flops(0);
    kernel.bytes = Bytes(0);
    EXPECT_DOUBLE_EQ(seconds(kernel), 3e-6);
    kernel.launches = 0;
    const KernelCost cost = round_model().cost(kernel, false);
    EXPECT_DOUBLE_EQ(cost.time().value(), 0);
    EXPECT_DOUBLE_EQ(cost.energy.value(), 0);
  }
}

TEST(KernelTime, IsNeverBelowTheDataSheetRoofline) {
  DeviceSpec device = round_device();
  device.family.bandwidth_efficiency = 1;
  device.family.kv_bandwidth_efficiency = 1;
  device.family.attention_compute_efficiency = 1;
  device.family.attention_ramp_tokens = 0;
  device.family.expert_compute_efficiency = 2;  // A wrong calibration must not break the law.
  device.family.compute_efficiency = {{Dtype::kBf16, 1.0}};
  device.family.overlap_exponent = 32;
  const DeviceModel model(device, Watts(0), 1);
  for (const Kernel& kernel : samples()) {
    const double t = model.cost(kernel, false).busy.value();
    EXPECT_GE(t, kernel.flops.value() / 1e15);
    EXPECT_GE(t, kernel.bytes.value() / 1e12);
  }
}

TEST(KernelTime, NeverGrowsWithBandwidthOrPeakUnderAnyPowerLimit) {
  for (const double limit : {0.0, 700.0, 400.0, 200.0}) {
    for (const Kernel& kernel : samples()) {
      double last_by_bandwidth = HUGE_VAL, last_by_peak = HUGE_VAL;
      for (double factor = 0.25; factor < 20; factor *= 1.3) {
        DeviceSpec wide = round_device(), strong = round_device();
        wide.family.sm_bandwidth_share = strong.family.sm_bandwidth_share = 4;
        wide.memory_bandwidth *= factor;
        for (auto& [dtype, peak] : strong.peak) peak *= factor;
        const double t = DeviceModel(wide, Watts(limit), 1).cost(kernel, false).busy.value();
        const double u = DeviceModel(strong, Watts(limit), 1).cost(kernel, false).busy.value();
        EXPECT_LE(t, last_by_bandwidth * (1 + 1e-6));
        EXPECT_LE(u, last_by_peak * (1 + 1e-6));
        last_by_bandwidth = t;
        last_by_peak = u;
      }
    }
  }
}

TEST(KernelTime, NeverFallsWithMoreRows) {
  double last = 0;
  for (std::int64_t m = 1; m < 3000; m += 37) {
    const double t = busy(gemm(m, 4096, 4096));
    EXPECT_GE(t, last * (1 - 1e-12));
    last = t;
  }
}

TEST(KernelTime, OfFourBitWeightsWithoutFourBitUnitsIsThatOf16Bit) {
  Kernel kernel = gemm(8192, 8192, 8192);
  kernel.dtype = Dtype::kBf16;
  const double bf16 = seconds(kernel);
  kernel.dtype = Dtype::kFp4;
  EXPECT_DOUBLE_EQ(seconds(kernel), bf16);
  kernel.dtype = Dtype::kFp8;
  EXPECT_LT(seconds(kernel), bf16);
}

// Many rows per expert: compute-bound. Four-bit experts that must be widened take longer than
// 16-bit ones, at most 1 / 0.4 of them; few rows: memory-bound, and fewer rows are lost per expert.
TEST(KernelTime, OfWidenedExpertsIsLongerForManyRowsAndNotForFew) {
  Kernel kernel = gemm(1 << 17, 4096, 4096);
  kernel.kind = KernelKind::kGroupedGemm;
  kernel.groups = 8;
  const auto as = [&](Dtype dtype) {
    kernel.dtype = dtype;
    return seconds(kernel);
  };
  EXPECT_GT(as(Dtype::kFp4), 1.3 * as(Dtype::kBf16));
  EXPECT_LT(as(Dtype::kFp4), 2.5 * as(Dtype::kBf16));
  kernel.m = 8;
  kernel.flops = Flops(2.0 * 8 * 4096 * 4096);
  EXPECT_LE(as(Dtype::kFp4), as(Dtype::kBf16) * 1.05);
}

TEST(DeviceModel, RefusesADeviceWithoutPeakBandwidthOrPower) {
  DeviceSpec device = round_device();
  device.memory_bandwidth = BytesPerSecond(0);
  EXPECT_THROW(DeviceModel(device, Watts(0), 1), std::invalid_argument);
  device = round_device();
  device.peak.clear();
  EXPECT_THROW(DeviceModel(device, Watts(0), 1), std::invalid_argument);
  device = round_device();
  device.tdp = Watts(0);
  EXPECT_THROW(DeviceModel(device, Watts(0), 1), std::invalid_argument);
}

double busy_power(const Kernel& kernel, Watts limit) {
  Kernel without_launch = kernel;
  without_launch.launches = 0;
  const KernelCost cost = round_model(limit).cost(without_launch, false);
  return cost.energy.value() / cost.time().value();
}

TEST(KernelPower, OfPureTrafficIsBusyPlusTheShareOfBandwidth) {
  EXPECT_NEAR(busy_power(traffic(500.0_MB), Watts(0)), 300 + 0.5 * 400, 1e-9);
}

// A short kernel passes the limit of 980 W, which is one of averages: sim/step/step_books.cpp.
TEST(KernelPower, OfPureComputeIsBusyPlusTheShareOfPeak) {
  const Kernel kernel = attention(KernelKind::kDecodeAttention, 1e13, 0, 0);
  EXPECT_NEAR(busy_power(kernel, Watts(0)), 300 + 0.5 * 2000, 1e-9);
  EXPECT_DOUBLE_EQ(round_model().power_limit().value(), 980);
}

TEST(KernelPower, LiesBetweenIdleAndALowerLimit) {
  for (const double limit : {900.0, 600.0, 310.0, 200.0}) {
    for (const Kernel& kernel : samples()) {
      const double power = busy_power(kernel, Watts(limit));
      EXPECT_GE(power, 150);
      EXPECT_LE(power, limit * (1 + 1e-9));
    }
  }
}

// 3 us in a graph at 300 W; outside one, 3 us more in which the host is late, at 250 W.
TEST(KernelPower, OfALateHostIsThatOfWaiting) {
  const Kernel kernel = traffic(Bytes(0));
  EXPECT_NEAR(round_model().cost(kernel, false).energy.value(), 3e-6 * 300, 1e-15);
  EXPECT_NEAR(round_model().cost(kernel, true).energy.value(), 3e-6 * (300 + 250), 1e-15);
  EXPECT_EQ(round_model().cost(kernel, true).launch_energy,
            round_model().cost(kernel, true).energy);
}

// One token for each of 16 experts fills tiles of 16 rows, or of 64: as much as 256 or 1,024
// tokens.
TEST(KernelPower, OfExpertsIsThatOfWholeTiles) {
  DeviceSpec device = round_device();
  const auto joules = [&](std::int64_t rows) {
    const KernelCost cost = DeviceModel(device, Watts(0), 1).cost(experts(rows, 16), false);
    return (cost.energy - cost.launch_energy).value() - 300 * cost.busy.value() -
           400 * 2.0 * 4096 * 4096 * 16 / 1e12;
  };
  const double row = 2000 * 2.0 * 4096 * 4096 / 1e15;
  EXPECT_NEAR(joules(16), 256 * row, 1e-9 * row);
  EXPECT_NEAR(joules(1600), (1600 + 16 * 8) * row, 1e-9 * row);
  device.family.expert_tile_rows[Dtype::kBf16] = 64;
  EXPECT_NEAR(joules(16), 1024 * row, 1e-9 * row);
}

TEST(KernelPower, OfPaddedExpertsIsHigherThanOfTheSameTrafficAlone) {
  Kernel kernel = experts(16, 16);
  const double padded = busy_power(kernel, Watts(0));
  kernel.kind = KernelKind::kElementwise;
  EXPECT_GT(padded, 1.02 * busy_power(kernel, Watts(0)));
}

TEST(PowerLimit, SlowsAComputeBoundKernelByTheCubeRootOfItsDynamicPower) {
  const Kernel kernel = attention(KernelKind::kDecodeAttention, 1e13, 0, 0);
  const double free_time = busy(kernel);
  // 980 W at full clock and 150 W idle: an eighth of the 830 W between is left at half the clock.
  const KernelCost cost = round_model(Watts(150 + 830.0 / 8)).cost(kernel, false);
  EXPECT_NEAR(cost.busy.value(), 2 * free_time, 1e-6 * free_time);
}

TEST(PowerLimit, HardlySlowsAMemoryBoundKernel) {
  const Kernel kernel = traffic(500.0_MB);  // 500 W at full clock
  EXPECT_NEAR(round_model(Watts(400)).cost(kernel, false).busy.value(), busy(kernel), 1e-12);
  EXPECT_NEAR(busy_power(kernel, Watts(400)), 400, 1e-3);
}

TEST(PowerLimit, DoesNothingAboveWhatTheKernelDraws) {
  const Kernel kernel = traffic(500.0_MB);
  EXPECT_DOUBLE_EQ(round_model(Watts(501)).cost(kernel, false).busy.value(), busy(kernel));
  EXPECT_DOUBLE_EQ(round_model(Watts(5000)).cost(gemm(8192, 8192, 8192), false).busy.value(),
                   busy(gemm(8192, 8192, 8192)));
}

TEST(PowerLimit, NeverMakesAKernelFasterWhenLowered) {
  for (const Kernel& kernel : samples()) {
    double last = 0;
    for (double limit = 1100; limit > 50; limit -= 50) {
      const double t = round_model(Watts(limit)).cost(kernel, false).busy.value();
      EXPECT_GE(t, last * (1 - 1e-6));
      EXPECT_TRUE(std::isfinite(t));
      last = t;
    }
  }
}

TEST(DevicePower, OrdersIdleWaitingAndCommunication) {
  const DeviceModel model = round_model();
  EXPECT_DOUBLE_EQ(model.idle_power().value(), 150);
  EXPECT_DOUBLE_EQ(model.waiting_power().value(), 250);
  EXPECT_DOUBLE_EQ(model.communication_power(0).value(), 300);
  EXPECT_DOUBLE_EQ(model.communication_power(0.5).value(), 400);
  EXPECT_DOUBLE_EQ(model.communication_power(7).value(), 500);
}

TEST(DevicePower, StaysBelowAPowerLimit) {
  const DeviceModel model = round_model(Watts(200));
  EXPECT_DOUBLE_EQ(model.waiting_power().value(), 200);
  EXPECT_DOUBLE_EQ(model.communication_power(1).value(), 200);
}

}  // namespace
}  // namespace moesim
