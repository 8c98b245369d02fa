#include "reports/analysis/doubt.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "reports/render/format.h"
#include "reports/results/metrics.h"
#include "reports/results/provenance.h"

namespace moesim {
namespace {

constexpr std::size_t kLeastDraws = 5;

// The draws of a metric that ran.
std::vector<double> drawn(const CaseReport& report, std::string_view key) {
  std::vector<double> values;
  for (const CaseMetrics& draw : report.draws) {
    if (const auto value = metric_of(draw, key)) values.push_back(*value);
  }
  return values;
}

// Between the order statistics of sorted values.
double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - std::floor(place));
}

// What part of a prediction a number of a profile enters.
enum class Enters { kMemory, kTime, kFirstToken, kEnergy, kCarbon, kMoney };

constexpr std::array<std::pair<std::string_view, Enters>, 20> kEnters = {{
    {"rent", Enters::kMoney},
    {"price", Enters::kMoney},
    {"switch_price", Enters::kMoney},
    {"optic_price", Enters::kMoney},
    {"electricity", Enters::kMoney},
    {"carbon", Enters::kCarbon},
    {"memory", Enters::kMemory},
    {"tdp", Enters::kEnergy},
    {"idle", Enters::kEnergy},
    {"context", Enters::kEnergy},
    {"nic_power", Enters::kEnergy},
    {"host_idle", Enters::kEnergy},
    {"host_busy", Enters::kEnergy},
    {"psu_efficiency", Enters::kEnergy},
    {"switch_power", Enters::kEnergy},
    {"optic_power", Enters::kEnergy},
    {"energy_per_byte", Enters::kEnergy},
    {"pue", Enters::kEnergy},
    {"device_power", Enters::kEnergy},
    {"first_token", Enters::kFirstToken},
}};

Enters entry_of(const Fact& fact) {
  const std::size_t colon = fact.path.rfind(": ");
  const std::string_view key =
      colon == std::string::npos ? fact.path : std::string_view(fact.path).substr(colon + 2);
  for (const auto& [name, enters] : kEnters) {
    if (key == name) return enters;
  }
  return key.starts_with("power_") ? Enters::kEnergy : Enters::kTime;
}

bool enters(Enters entry, std::string_view key) {
  if (key.find("bytes") != std::string_view::npos) return entry == Enters::kMemory;
  if (entry == Enters::kTime || entry == Enters::kMemory) return true;
  if (entry == Enters::kFirstToken) return key.starts_with("ttft") || key.starts_with("e2e");
  const bool carbon = key.starts_with("carbon"), money = key.starts_with("cost");
  const bool energy = carbon || money || key.starts_with("energy") || key.starts_with("average_p");
  if (entry == Enters::kEnergy) return energy;
  return entry == Enters::kCarbon ? carbon : money;
}

}  // namespace

const std::vector<std::string_view>& headline_keys() {
  static const std::vector<std::string_view> kKeys = {"cost_per_million_output_tokens_usd",
                                                      "energy_per_output_token_j",
                                                      "carbon_per_million_output_tokens_kg",
                                                      "output_tokens_per_s",
                                                      "ttft_p50_s",
                                                      "ttft_p99_s",
                                                      "tpot_p50_s",
                                                      "tpot_p99_s",
                                                      "average_power_w"};
  return kKeys;
}

bool is_headline(std::string_view key) {
  const auto& keys = headline_keys();
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::optional<Interval> interval_of(std::vector<double> draws, double stated) {
  if (draws.size() < kLeastDraws) return std::nullopt;
  draws.push_back(stated);
  std::sort(draws.begin(), draws.end());
  return Interval{std::min(stated, quantile(draws, 0.1)), std::max(stated, quantile(draws, 0.9))};
}

std::optional<Interval> interval(const CaseReport& report, std::string_view key) {
  const std::optional<double> stated = metric(report, key);
  return stated ? interval_of(drawn(report, key), *stated) : std::nullopt;
}

std::string readable_interval(const CaseReport& report, std::string_view key) {
  const auto range = interval(report, key);
  if (!range) return "";
  const std::string& unit = metric_named(key).unit;
  std::string low = readable(range->low, unit);
  const std::string high = readable(range->high, unit);
  const std::size_t space = high.find(' ');
  if (space != std::string::npos && low.ends_with(high.substr(space))) {
    low.resize(low.size() - (high.size() - space));
  }
  return low + " to " + high;
}

std::string short_interval(const CaseReport& report, std::string_view key) {
  std::string range = readable_interval(report, key);
  const std::string stated = readable_metric(report, key);
  const std::string unit = stated.substr(std::min(stated.find(' '), stated.size()));
  const bool one_unit = range.find(' ') == range.find(" to ");
  if (one_unit && !unit.empty() && range.ends_with(unit)) range.resize(range.size() - unit.size());
  return range;
}

Contest contest(const CaseReport& ahead, const CaseReport& behind, std::string_view key) {
  Contest result;
  for (std::size_t i = 0; i < std::min(ahead.draws.size(), behind.draws.size()); ++i) {
    const auto a = metric_of(ahead.draws[i], key), b = metric_of(behind.draws[i], key);
    if (!a || !b) continue;
    ++result.draws;
    if (*b < *a) ++result.turned;
  }
  return result;
}

std::optional<std::pair<int, int>> service_level_draws(const CaseReport& report) {
  const std::optional<double> stated = metric(report, "slo_met");
  const std::vector<double> draws = drawn(report, "slo_met");
  if (!stated || draws.size() < kLeastDraws) return std::nullopt;
  const auto met = std::count_if(draws.begin(), draws.end(), [](double d) { return d > 0; });
  const auto agreeing = *stated > 0 ? static_cast<std::ptrdiff_t>(draws.size()) : 0;
  if (met == agreeing) return std::nullopt;
  return std::pair(static_cast<int>(met), static_cast<int>(draws.size()));
}

std::vector<std::pair<std::string, int>> rests_on(const CaseReport& report, std::string_view key) {
  std::vector<Fact> facts;
  for (const Fact& fact : distinct_facts({report})) {
    if (enters(entry_of(fact), key)) facts.push_back(fact);
  }
  return facts_by_confidence(facts);
}

std::string doubt_sentence(const Report& report) {
  std::size_t draws = 0;
  for (const CaseReport& one : report.cases) draws = std::max(draws, one.draws.size());
  if (draws == 0) return "";
  std::string kinds;
  int uncertain = 0;
  for (const auto& [confidence, count] : facts_by_confidence(distinct_facts(report.cases))) {
    if (confidence == "data-sheet" || confidence == "indicative") continue;
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count,
                         confidence == "assumption" ? "assumed" : confidence);
    uncertain += count;
  }
  return fmt::format(
      "P10 to P90 is over {} draws of the {} uncertain numbers ({}) within their "
      "ranges and of the traffic; data sheets and prices are taken at their word.",
      draws, uncertain, kinds);
}

}  // namespace moesim
