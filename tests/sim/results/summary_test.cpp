#include "sim/results/summary.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "sim/results/accounting.h"
#include "sim/results/queue_series.h"
#include "tests/sim/made_deployment.h"

namespace moesim {
namespace {

// 0 to 100: percentile p is p.
TEST(Percentiles, AreThoseOfBase) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  const Percentiles p = percentiles(values);
  EXPECT_EQ(p.mean, 50);
  EXPECT_DOUBLE_EQ(p.p50, 50);
  EXPECT_DOUBLE_EQ(p.p90, 90);
  EXPECT_DOUBLE_EQ(p.p99, 99);
}

TEST(Percentiles, OfOneValueAreThatValueAndOfNoneZero) {
  const Percentiles one = percentiles({7});
  EXPECT_EQ(one.p50, 7);
  EXPECT_EQ(one.p99, 7);
  EXPECT_EQ(percentiles({}).p99, 0);
}

TEST(QuantileCurve, RunsFromTheSmallestToTheLargestValue) {
  const std::vector<double> curve = quantile_curve({3, 1, 2});
  ASSERT_EQ(curve.size(), 101u);
  EXPECT_EQ(curve.front(), 1);
  EXPECT_EQ(curve[50], 2);
  EXPECT_EQ(curve.back(), 3);
  EXPECT_TRUE(quantile_curve({}).empty());
}

TEST(QueueSeries, KeepsTheWholeSpanInFewPoints) {
  QueueSeries series;
  for (int i = 0; i <= 100'000; ++i) {
    if (series.offer()) series.add({Seconds(i), i, 0});
  }
  EXPECT_LT(series.points().size(), 1024u);
  EXPECT_GT(series.points().size(), 256u);
  EXPECT_EQ(series.points().front().time, Seconds(0));
  EXPECT_GT(series.points().back().time, Seconds(99'000));
}

// 10 % of the arrivals pile up: the queue seen by arrival i is i / 10.
TEST(QueueGrows, WhenEveryTenthRequestStays) {
  std::vector<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.push_back(i / 10);
  EXPECT_TRUE(queue_grows(seen));
}

TEST(QueueGrows, NotWhenALongQueueStands) {
  EXPECT_FALSE(queue_grows(std::vector<std::int64_t>(1000, 400)));
}

TEST(QueueGrows, NotWhenAShortQueueGrows) {
  std::vector<std::int64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.push_back(i / 50);
  EXPECT_FALSE(queue_grows(seen));
}

// Four devices of one node for 10 s; two are used, one of them busy half the time at 400 W.
struct HalfBusy {
  Deployment deployment = made::deployment(made::small_dense(), made::cluster(made::device(), 4));
  std::vector<DeviceLedger> devices = std::vector<DeviceLedger>(4);
  Seconds horizon = Seconds(10);

  HalfBusy() {
    deployment.plan.tp = 2;
    devices[0].add(Activity::kMemory, Seconds(5), Joules(2000));
    close_ledgers(deployment, DeviceModel(made::device(), Watts(0), 1), horizon, devices);
  }
};

TEST(Ledgers, AddUpToTheHorizonOnEveryDevice) {
  const HalfBusy half;
  for (const DeviceLedger& device : half.devices) {
    EXPECT_DOUBLE_EQ(device.total_time().value(), 10);
  }
}

// In use: 150 W idle, 100 W + 50 W of the resident process; not in use: 100 W.
TEST(Ledgers, ChargeIdleDevicesWithAndWithoutAProcess) {
  const HalfBusy half;
  EXPECT_DOUBLE_EQ(half.devices[0].total_energy().value(), 2000 + 5 * 150);
  EXPECT_DOUBLE_EQ(half.devices[1].total_energy().value(), 10 * 150);
  EXPECT_DOUBLE_EQ(half.devices[2].total_energy().value(), 10 * 100);
}

TEST(EnergyTotals, FollowFromTheLedgers) {
  const HalfBusy half;
  const EnergyTotals e =
      energy_totals(half.deployment, Topology(half.deployment.cluster), half.horizon, half.devices);
  EXPECT_DOUBLE_EQ(e.devices.value(), 2750 + 1500 + 2 * 1000);
  EXPECT_DOUBLE_EQ(e.host.value(), 500 * 10 + 1000 * 5 / 4.0);
  EXPECT_DOUBLE_EQ(e.network.value(), 0);
  EXPECT_NEAR(e.power_supply.value(), (6250 + 6250) * (1 / 0.95 - 1), 1e-9);
  EXPECT_NEAR(e.total().value(), 12500 / 0.95 * 1.2, 1e-9);
}

}  // namespace
}  // namespace moesim
