#include "reports/render/words/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/quantity.h"

namespace moesim {
namespace {

struct Prefix {
  double factor;
  const char* name;
};

constexpr std::array<Prefix, 9> kPrefixes = {{{1e15, "P"},
                                              {1e12, "T"},
                                              {1e9, "G"},
                                              {1e6, "M"},
                                              {1e3, "k"},
                                              {1, ""},
                                              {1e-3, "m"},
                                              {1e-6, "u"},
                                              {1e-9, "n"}}};

// Value with the prefix between `smallest` and `largest` that leaves at least 1 before it.
std::string prefixed(double value, std::string_view unit, double smallest, double largest) {
  Prefix chosen{1, ""};
  for (const Prefix& prefix : kPrefixes) {
    if (prefix.factor > largest || prefix.factor < smallest) continue;
    chosen = prefix;
    // 999.6 of one prefix reads as 1,000; the next one up shows it as 1.00.
    if (std::abs(value) >= prefix.factor * 0.9995) break;
  }
  if (value == 0) chosen = {1, ""};
  return fmt::format("{} {}{}", readable_number(value / chosen.factor), chosen.name, unit);
}

std::string whole(double value) {
  return thousands(static_cast<std::int64_t>(std::llround(value)));
}

}  // namespace

std::string readable_number(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(value)) return "-";
  if (size == 0) return "0";
  if (size >= 1e15 || size < 1e-6) return fmt::format("{:.2e}", value);
  if (size >= 999.5) return whole(value);
  // The exponent after rounding: 9.996 has three digits as 10.0.
  const std::string rounded = fmt::format("{:.2e}", size);
  const int magnitude = std::stoi(rounded.substr(rounded.find('e') + 1));
  return fmt::format("{:.{}f}", value, std::max(0, 2 - magnitude));
}

std::string readable(double value, std::string_view unit) {
  if (unit == "0/1") return value != 0 ? "yes" : "no";
  if (unit == "share") return fmt::format("{:.1f} %", value * 100);
  if (unit == "ratio") return fmt::format("{:.2f}", value);
  if (unit == "count" && std::abs(value) >= 1e8) return prefixed(value, "", 1, 1e12);
  if (unit == "count" && value == std::floor(value)) return whole(value);
  if (unit == "count") return readable_number(value);
  if (unit == "s") return prefixed(value, unit, 1e-9, 1);
  if (unit == "B" || unit == "B/s") return prefixed(value, unit, 1, 1e15);
  if (unit == "J" || unit == "W") return prefixed(value, unit, 1e-6, 1e12);
  if (unit == "token") return whole(value) + " tokens";
  if (unit == "token/s" || unit == "request/s") {
    const std::string_view noun = unit.substr(0, unit.size() - 2);
    return fmt::format("{} {}s/s", readable_number(value), noun);
  }
  return readable_number(value) + " " + std::string(unit);
}

std::string readable_metric(const CaseReport& report, Metric key) {
  const std::optional<double> value = metric(report, key);
  return value ? readable(*value, metric_row(key).unit) : "-";
}

std::string exact_number(double value) {
  return fmt::format("{}", value);
}

std::string printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return clean;
}

}  // namespace moesim
