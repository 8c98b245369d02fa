#include "base/quantity.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <span>

#include "base/quantity_pattern.h"

namespace moesim {
namespace {

struct Unit {
  std::string_view name;
  double si;
};

constexpr double kKi = 1024.0;
constexpr double kJoulesPerKwh = 3.6e6;
constexpr Unit kTimeUnits[] = {{"ns", 1e-9}, {"us", 1e-6},  {"ms", 1e-3},     {"s", 1},
                               {"min", 60},  {"h", 3600.0}, {"day", 86400.0}, {"days", 86400.0}};
constexpr Unit kByteUnits[] = {{"B", 1},
                               {"kB", 1e3},
                               {"MB", 1e6},
                               {"GB", 1e9},
                               {"TB", 1e12},
                               {"KiB", kKi},
                               {"MiB", kKi* kKi},
                               {"GiB", kKi* kKi* kKi},
                               {"TiB", kKi* kKi* kKi* kKi}};
constexpr Unit kBandwidthUnits[] = {{"B/s", 1},
                                    {"kB/s", 1e3},
                                    {"MB/s", 1e6},
                                    {"GB/s", 1e9},
                                    {"TB/s", 1e12},
                                    {"PB/s", 1e15},
                                    {"b/s", 1 / 8.0},
                                    {"kb/s", 1e3 / 8},
                                    {"Mb/s", 1e6 / 8},
                                    {"Gb/s", 1e9 / 8},
                                    {"Tb/s", 1e12 / 8},
                                    {"KiB/s", kKi},
                                    {"MiB/s", kKi* kKi},
                                    {"GiB/s", kKi* kKi* kKi},
                                    {"TiB/s", kKi* kKi* kKi* kKi}};
constexpr Unit kFlopUnits[] = {
    {"GFLOP/s", 1e9}, {"TFLOP/s", 1e12}, {"PFLOP/s", 1e15}, {"TOP/s", 1e12}, {"POP/s", 1e15}};
constexpr Unit kPowerUnits[] = {{"mW", 1e-3}, {"W", 1}, {"kW", 1e3}, {"MW", 1e6}};
constexpr Unit kRateUnits[] = {{"/s", 1}, {"/min", 1 / 60.0}, {"/h", 1 / 3600.0}};
constexpr Unit kMoneyUnits[] = {{"USD", 1}};
constexpr Unit kMoneyPerHourUnits[] = {{"USD/h", 1}};
constexpr Unit kMoneyPerEnergyUnits[] = {{"USD/kWh", 1 / kJoulesPerKwh},
                                         {"USD/MWh", 1e-3 / kJoulesPerKwh}};
constexpr Unit kCarbonUnits[] = {{"gCO2e/kWh", 1e-3 / kJoulesPerKwh},
                                 {"kgCO2e/kWh", 1 / kJoulesPerKwh}};
constexpr Unit kEnergyPerByteUnits[] = {{"pJ/b", 8e-12}, {"pJ/B", 1e-12}};

std::span<const Unit> units_of(Dimension dimension) {
  switch (dimension) {
    case Dimension::kTime:
      return kTimeUnits;
    case Dimension::kBytes:
      return kByteUnits;
    case Dimension::kBandwidth:
      return kBandwidthUnits;
    case Dimension::kFlopRate:
      return kFlopUnits;
    case Dimension::kPower:
      return kPowerUnits;
    case Dimension::kRate:
      return kRateUnits;
    case Dimension::kMoney:
      return kMoneyUnits;
    case Dimension::kMoneyPerHour:
      return kMoneyPerHourUnits;
    case Dimension::kMoneyPerEnergy:
      return kMoneyPerEnergyUnits;
    case Dimension::kCarbonPerEnergy:
      return kCarbonUnits;
    case Dimension::kEnergyPerByte:
      return kEnergyPerByteUnits;
  }
  return {};
}

std::string_view written_unit(Dimension dimension) {
  switch (dimension) {
    case Dimension::kTime:
      return "s";
    case Dimension::kBytes:
      return "B";
    case Dimension::kBandwidth:
      return "B/s";
    case Dimension::kFlopRate:
      return "TFLOP/s";
    case Dimension::kPower:
      return "W";
    case Dimension::kRate:
      return "/s";
    case Dimension::kMoney:
      return "USD";
    case Dimension::kMoneyPerHour:
      return "USD/h";
    case Dimension::kMoneyPerEnergy:
      return "USD/kWh";
    case Dimension::kCarbonPerEnergy:
      return "gCO2e/kWh";
    case Dimension::kEnergyPerByte:
      return "pJ/B";
  }
  return "";
}

}  // namespace

std::optional<double> parse_quantity(std::string_view text, Dimension dimension) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& known : units_of(dimension)) {
    if (known.name == unit && std::isfinite(number * known.si)) return number * known.si;
  }
  return std::nullopt;
}

std::string quantity_text(double si, Dimension dimension) {
  const std::string unit(written_unit(dimension));
  const double one = parse_quantity("1 " + unit, dimension).value_or(1);
  for (int digits = 1; digits < 17; ++digits) {
    const std::string text = fmt::format("{:.{}g} {}", si / one, digits, unit);
    if (parse_quantity(text, dimension) == si) return text;
  }
  return fmt::format("{:.17g} {}", si / one, unit);
}

std::string quantity_pattern(Dimension dimension, bool zero_allowed) {
  std::string units;
  for (const Unit& known : units_of(dimension)) {
    units += (units.empty() ? "" : "|") + std::string(known.name);
  }
  // A digit that is not 0 in front of any exponent.
  const std::string above_zero = zero_allowed ? "" : "(?=[0-9.]*[1-9])";
  return "^" + above_zero + "([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)? *(" + units + ")$";
}

std::string_view allowed_quantity(Dimension dimension) {
  switch (dimension) {
    case Dimension::kTime:
      return "a time with unit, e.g. 50 ms, 2 s or 10 min";
    case Dimension::kBytes:
      return "a size with unit, e.g. 80 GiB or 400 MB";
    case Dimension::kBandwidth:
      return "a bandwidth with unit, e.g. 3.35 TB/s or 400 Gb/s";
    case Dimension::kFlopRate:
      return "a compute rate with unit, e.g. 989 TFLOP/s";
    case Dimension::kPower:
      return "a power with unit, e.g. 700 W";
    case Dimension::kRate:
      return "a rate with unit, e.g. 8/s or 30/min";
    case Dimension::kMoney:
      return "an amount with unit, e.g. 250000 USD";
    case Dimension::kMoneyPerHour:
      return "a price with unit, e.g. 2.5 USD/h";
    case Dimension::kMoneyPerEnergy:
      return "a price with unit, e.g. 0.11 USD/kWh";
    case Dimension::kCarbonPerEnergy:
      return "a carbon intensity with unit, e.g. 380 gCO2e/kWh";
    case Dimension::kEnergyPerByte:
      return "an energy per bit or byte, e.g. 5 pJ/b or 40 pJ/B";
  }
  return "";
}

std::string thousands(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t start = number < 0 ? 1 : 0;
  for (std::size_t i = text.size(); i > start + 3;) {
    i -= 3;
    text.insert(i, ",");
  }
  return text;
}

}  // namespace moesim
