// Quantities as text: "400 Gb/s", "3.35 TB/s", "80 GiB", "0.11 USD/kWh". b is bit, B is byte, Ki is
// 1024.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace moesim {

// What a field measures; decides which units are allowed and what the SI value means.
enum class Dimension {
  kTime,             // s; ns us ms s min h day
  kBytes,            // byte; B kB MB GB TB KiB MiB GiB TiB
  kBandwidth,        // byte/s; B/s .. TB/s, KiB/s .. TiB/s, b/s .. Tb/s
  kFlopRate,         // flop/s; GFLOP/s TFLOP/s PFLOP/s
  kPower,            // W; mW W kW MW
  kRate,             // 1/s; /s /min /h
  kMoney,            // USD
  kMoneyPerHour,     // USD/h
  kMoneyPerEnergy,   // USD/J; USD/kWh USD/MWh
  kCarbonPerEnergy,  // kg/J of CO2e; gCO2e/kWh kgCO2e/kWh
  kEnergyPerByte,    // J/byte; pJ/b pJ/B
};

// The value in SI, or nothing if the text is not a finite number followed by a unit of that
// dimension.
std::optional<double> parse_quantity(std::string_view text, Dimension dimension);

// The shortest text in the unit that files are written in (s, B, W, USD/kWh, ...) that reads back
// as exactly this SI value.
std::string quantity_text(double si, Dimension dimension);

// Examples of what is allowed, for messages: "a time with unit, e.g. 50 ms or 10 min".
std::string_view allowed_quantity(Dimension dimension);

// A whole number with its digits by threes: "29,000".
std::string thousands(std::int64_t number);

}  // namespace moesim
