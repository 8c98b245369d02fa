#include <gtest/gtest.h>

#include <algorithm>

#include "base/input_error.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

TEST(ProfileSamples, AsStatedIsSampleZero) {
  const DeviceSpec stated = load_device("h100-sxm-80gb");
  const DeviceSpec zero = load_device("h100-sxm-80gb", {5, 0, 10});
  EXPECT_EQ(stated.family.bandwidth_efficiency, zero.family.bandwidth_efficiency);
  EXPECT_EQ(stated.idle.value(), zero.idle.value());
}

TEST(ProfileSamples, DataSheetsAreTakenAtTheirWord) {
  const DeviceSpec stated = load_device("h100-sxm-80gb");
  const DeviceSpec drawn = load_device("h100-sxm-80gb", {5, 1, 10});
  EXPECT_EQ(drawn.memory_bandwidth.value(), stated.memory_bandwidth.value());
  EXPECT_EQ(drawn.peak_of(Dtype::kBf16).value(), stated.peak_of(Dtype::kBf16).value());
}

TEST(ProfileSamples, CalibratedNumbersSpreadAroundWhatIsStated) {
  const double stated = load_device("h100-sxm-80gb").family.bandwidth_efficiency;
  std::vector<double> drawn;
  for (std::int64_t sample = 1; sample <= 10; ++sample) {
    drawn.push_back(load_device("h100-sxm-80gb", {5, sample, 10}).family.bandwidth_efficiency);
  }
  const auto [low, high] = std::minmax_element(drawn.begin(), drawn.end());
  EXPECT_LT(*low, stated);
  EXPECT_GT(*high, stated);
  EXPECT_LE(*high, 1);
}

TEST(ProfileSamples, EveryShippedProfileCanBeDrawn) {
  for (const auto& name : profile_names("nodes")) {
    EXPECT_NO_THROW(load_node(name, {3, 1, 2})) << name;
  }
  for (const auto& name : profile_names("sites")) {
    EXPECT_NO_THROW(load_site(name, {3, 2, 2})) << name;
  }
}

TEST(ProfileSamples, TwoModelsAreWrongEachInItsOwnWay) {
  const Variation draw{5, 4, 10};
  EXPECT_EQ(load_serving_error("a on h100", draw).step_time,
            load_serving_error("a on h100", draw).step_time);
  int equal = 0;
  for (std::int64_t sample = 1; sample <= 10; ++sample) {
    const Variation one{5, sample, 10};
    equal += load_serving_error("a on h100", one).step_time ==
             load_serving_error("b on h100", one).step_time;
  }
  EXPECT_LT(equal, 6);
  EXPECT_EQ(load_serving_error("a on h100", {}).step_time, 1);
}

}  // namespace
}  // namespace moesim
