#include "reports/analysis/pareto.h"

#include <algorithm>
#include <array>

#include "reports/analysis/quality_order.h"
#include "reports/analysis/ranking.h"

namespace moesim {
namespace {

constexpr Metric kLoss = Metric::kPredictedLoss;
constexpr std::array kObjectives = {Metric::kCostPerMillionOutputTokens,
                                    Metric::kEnergyPerOutputToken, Metric::kE2eP99, kLoss};

using Values = std::vector<double>;

bool dominates(const Values& a, const Values& b) {
  bool better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    better = better || a[i] < b[i];
  }
  return better;
}

// Sorted by their values, a case can be beaten only by one before it; the front so far is enough.
std::vector<std::size_t> undominated(const std::vector<Values>& values,
                                     std::vector<std::size_t> order) {
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<std::size_t> front;
  for (const std::size_t i : order) {
    const bool beaten = std::ranges::any_of(
        front, [&](std::size_t other) { return dominates(values[other], values[i]); });
    if (!beaten) front.push_back(i);
  }
  std::ranges::sort(front);
  return front;
}

// Whether something is the same of all cases.
template <class Of>
bool is_alike(const std::vector<CaseReport>& cases, const std::vector<std::size_t>& able,
              const Of& of) {
  return std::ranges::all_of(
      able, [&](std::size_t i) { return of(cases[i]) == of(cases[able.front()]); });
}

// One model throughout, say: no news.
bool is_alike(const std::vector<CaseReport>& cases, const std::vector<std::size_t>& able,
              Metric key) {
  return is_alike(cases, able, [&](const CaseReport& report) { return objective(report, key); });
}

// Whether the losses of all rest on like training tokens.
bool all_compare(const std::vector<CaseReport>& cases, const std::vector<std::size_t>& able) {
  const auto assumed = [](const CaseReport& report) { return report.quality.tokens_assumed; };
  const auto tokens = [](const CaseReport& report) {
    return metric(report, Metric::kTrainingTokens);
  };
  return is_alike(cases, able, assumed) ||
         (!able.empty() && tokens(cases[able.front()]) && is_alike(cases, able, tokens));
}

}  // namespace

bool ParetoFront::has(Metric key) const {
  return std::ranges::find(objectives, key) != objectives.end();
}

std::optional<double> objective(const CaseReport& report, Metric key) {
  if (key != kLoss) return metric(report, key);
  const auto loss = predicted_loss(report);
  return loss ? std::optional(loss->loss) : std::nullopt;
}

ParetoFront pareto_front(const std::vector<CaseReport>& cases) {
  ParetoFront front;
  const std::vector<std::size_t> able = ranking(cases);
  front.able = able.size();
  for (const Metric key : kObjectives) {
    const bool all = std::ranges::all_of(
        able, [&](std::size_t i) { return objective(cases[i], key).has_value(); });
    const bool compares = key != kLoss || all_compare(cases, able);
    (all && compares ? front.objectives : front.left_out).push_back(key);
  }
  std::ranges::copy_if(front.objectives, std::back_inserter(front.telling),
                       [&](Metric key) { return !is_alike(cases, able, key); });
  front.quality_differs = !is_alike(cases, able, kLoss);
  std::vector<Values> values(cases.size());
  for (const std::size_t i : able) {
    for (const Metric key : front.objectives) values[i].push_back(*objective(cases[i], key));
    front.extrapolated = front.extrapolated || !metric(cases[i], kLoss);
    front.assumed = front.assumed || cases[i].quality.tokens_assumed;
  }
  front.members = undominated(values, able);
  return front;
}

}  // namespace moesim
