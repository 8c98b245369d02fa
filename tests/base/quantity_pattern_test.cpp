#include "base/quantity_pattern.h"

#include <gtest/gtest.h>

#include <regex>

namespace moesim {
namespace {

constexpr Dimension kAll[] = {Dimension::kTime,           Dimension::kBytes,
                              Dimension::kBandwidth,      Dimension::kFlopRate,
                              Dimension::kPower,          Dimension::kRate,
                              Dimension::kMoney,          Dimension::kMoneyPerHour,
                              Dimension::kMoneyPerEnergy, Dimension::kCarbonPerEnergy};

TEST(QuantityPattern, MatchesWhatIsReadAndNothingElse) {
  for (const Dimension dimension : kAll) {
    const std::regex above_zero(quantity_pattern(dimension));
    const std::regex from_zero(quantity_pattern(dimension, true));
    for (const std::string number : {"1", "0", "0.50", "0.", ".5", "1e3", "2.5E-3", "0e9", "00.1",
                                     "-1", "+1", "e3", "", ".", "1e", "1 000", "nan", "1,5"}) {
      for (const std::string unit :
           {" s", "ms", "  GiB", " W", " /s", "/min", " USD", " USD/h", " Gb/s", " TFLOP/s",
            " USD/kWh", " gCO2e/kWh", " sec", "", " s "}) {
        const std::string text = number + unit;
        const auto value = parse_quantity(text, dimension);
        EXPECT_EQ(std::regex_search(text, from_zero), value && *value >= 0) << text;
        EXPECT_EQ(std::regex_search(text, above_zero), value && *value > 0) << text;
      }
    }
  }
}

}  // namespace
}  // namespace moesim
