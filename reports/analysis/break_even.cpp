#include "reports/analysis/break_even.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "reports/analysis/uncertainty.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostCases = 5000;  // Every pair is looked at.
constexpr Metric kCost = Metric::kCostPerMillionOutputTokens;

using Settings = std::vector<std::pair<std::string, std::string>>;

struct Setting {
  double number = 0;
  std::string unit;
};

// "8/s" as 8 and "/s"; nothing for what does not begin with a number.
std::optional<Setting> parsed(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(number)) return std::nullopt;
  std::string unit(end);
  unit.erase(0, std::min(unit.find_first_not_of(' '), unit.size()));
  return Setting{number, unit};
}

bool usable(const CaseReport& report) {
  return report.status == CaseStatus::kDone && metric(report, kCost).value_or(0) > 0;
}

// Settings but one, by their short names; equal for points that differ in that one alone.
Settings others_of(const CaseReport& report, const std::string& path,
                   const std::vector<std::string>& paths) {
  const std::vector<std::string> names = short_paths(paths);
  Settings others;
  for (std::size_t p = 0; p < paths.size(); ++p) {
    const std::string value = setting(report, paths[p]);
    if (paths[p] != path && !value.empty()) others.emplace_back(names[p], value);
  }
  return others;
}

// Whether the settings that both have are alike; a case that is not swept fits every point.
bool same_point(const CaseReport& moe, const CaseReport& dense) {
  return std::ranges::all_of(dense.point, [&](const auto& entry) {
    const std::string own = setting(moe, entry.first);
    return own.empty() || own == entry.second;
  });
}

// A dense twin is compared with its own case alone.
bool are_pair(const CaseReport& moe, const CaseReport& dense) {
  return moe.is_moe && !dense.is_moe && (dense.twin_of.empty() || dense.twin_of == moe.name) &&
         same_point(moe, dense);
}

struct Pair {
  double setting = 0;
  const CaseReport* moe = nullptr;
  const CaseReport* dense = nullptr;

  double log_ratio() const { return std::log(*metric(*moe, kCost) / *metric(*dense, kCost)); }
};

std::optional<TurningPart> turning_part(const Pair& before, const Pair& after) {
  if (!can_explain(*before.moe, *before.dense) || !can_explain(*after.moe, *after.dense)) return {};
  const Explanation first = explain_cost(*before.dense, *before.moe);
  const Explanation second = explain_cost(*after.dense, *after.moe);
  const double sign = after.log_ratio() < before.log_ratio() ? -1 : 1;
  std::size_t turning = 0;
  double furthest = -1;
  for (std::size_t p = 0; p < kNumCostParts; ++p) {
    const double move = sign * (second.parts[p] - first.parts[p]);
    if (move <= furthest) continue;
    furthest = move;
    turning = p;
  }
  return TurningPart{static_cast<CostPart>(turning), first.quantity, first.parts[turning],
                     second.parts[turning]};
}

std::optional<Crossing> crossing(const Pair& before, const Pair& after) {
  const double d0 = before.log_ratio(), d1 = after.log_ratio();
  if (d0 == d1 || d0 * d1 > 0 || d0 == 0) return std::nullopt;
  const double share = d0 / (d0 - d1);
  const double x0 = before.setting, x1 = after.setting;
  Crossing found;
  found.at = x0 > 0 ? x0 * std::pow(x1 / x0, share) : x0 + (x1 - x0) * share;
  found.before = x0;
  found.after = x1;
  found.moe_wins_after = d1 < d0;
  found.reason = turning_part(before, after);
  return found;
}

// As uncertain as the verdict calls it.
bool is_tie(const Pair& pair) {
  const bool moe_ahead = pair.log_ratio() <= 0;
  return contest(moe_ahead ? *pair.moe : *pair.dense, moe_ahead ? *pair.dense : *pair.moe, kCost)
      .is_tie();
}

struct CurveKey {
  std::string moe, dense, path, unit;
  Settings others;
  auto operator<=>(const CurveKey&) const = default;
};

BreakEvenCurve curve_of(const CurveKey& key, std::vector<Pair> pairs) {
  std::ranges::stable_sort(pairs, {}, &Pair::setting);
  BreakEvenCurve curve{key.moe, key.dense, key.path, key.unit, key.others, {}, {}};
  for (const Pair& pair : pairs)
    curve.points.push_back(
        {pair.setting, *metric(*pair.moe, kCost), *metric(*pair.dense, kCost), is_tie(pair)});
  for (std::size_t i = 0; i + 1 < pairs.size(); ++i)
    if (const auto found = crossing(pairs[i], pairs[i + 1])) curve.crossings.push_back(*found);
  return curve;
}

}  // namespace

std::vector<BreakEvenCurve> break_even_curves(const std::vector<CaseReport>& cases) {
  const std::vector<std::string> paths = swept_paths(cases);
  if (cases.size() > kMostCases) return {};
  std::map<CurveKey, std::vector<Pair>> found;
  std::vector<CurveKey> order;
  for (const CaseReport& moe : cases) {
    if (!moe.is_moe || !usable(moe)) continue;
    for (const CaseReport& dense : cases) {
      if (!are_pair(moe, dense) || !usable(dense)) continue;
      for (const std::string& path : paths) {
        const auto value = parsed(setting(moe, path));
        if (!value) continue;
        const CurveKey key{moe.name, dense.name, path, value->unit, others_of(moe, path, paths)};
        std::vector<Pair>& pairs = found[key];
        if (pairs.empty()) order.push_back(key);
        const bool known = std::ranges::any_of(
            pairs, [&](const Pair& pair) { return pair.setting == value->number; });
        if (!known) pairs.push_back({value->number, &moe, &dense});
      }
    }
  }
  std::vector<BreakEvenCurve> curves;
  for (const CurveKey& key : order)
    if (found[key].size() > 1) curves.push_back(curve_of(key, found[key]));
  return curves;
}

}  // namespace moesim
