#include "base/quantity.h"

#include <gtest/gtest.h>

#include "base/units.h"

namespace moesim {
namespace {

using namespace literals;

TEST(Units, OnlyPhysicsCompiles) {
  static_assert((6.0_GB / 3.0_GBps).value() == 2.0);
  static_assert(1.0_s + 500.0_ms == 1.5_s);
  EXPECT_DOUBLE_EQ(Joules(100) / 50.0_W / 1.0_s, 2.0);
}

TEST(Quantity, BitsAreEighthsOfBytes) {
  EXPECT_EQ(parse_quantity("400 Gb/s", Dimension::kBandwidth), 50e9);
  EXPECT_EQ(parse_quantity("400 GB/s", Dimension::kBandwidth), 400e9);
}

TEST(Quantity, KiIs1024AndkIs1000) {
  EXPECT_EQ(parse_quantity("80 GiB", Dimension::kBytes), 80.0 * 1024 * 1024 * 1024);
  EXPECT_EQ(parse_quantity("80 GB", Dimension::kBytes), 80e9);
}

TEST(Quantity, KilowattHoursBecomeJoules) {
  EXPECT_DOUBLE_EQ(*parse_quantity("0.36 USD/kWh", Dimension::kMoneyPerEnergy), 1e-7);
  EXPECT_DOUBLE_EQ(*parse_quantity("360 gCO2e/kWh", Dimension::kCarbonPerEnergy), 1e-7);
}

TEST(Quantity, ASpaceBeforeTheUnitIsOptional) {
  EXPECT_EQ(parse_quantity("50ms", Dimension::kTime), parse_quantity("50 ms", Dimension::kTime));
}

TEST(Quantity, RefusesWhatIsNoFiniteNumberWithARightUnit) {
  for (const char* text : {"", "50", "ms", "50 m", "50 GB", "nan s", "inf s", "1e400 s", "50 ms s",
                           "fifty ms", "0x10 s", "5 0 ms"}) {
    EXPECT_FALSE(parse_quantity(text, Dimension::kTime)) << text;
  }
}

}  // namespace
}  // namespace moesim
