#include "reports/analysis/verdict.h"

#include <algorithm>
#include <cmath>

#include "reports/analysis/quality_order.h"
#include "reports/analysis/ranking.h"

namespace moesim {
namespace {

using Cases = std::vector<CaseReport>;

// Below this relative difference two figures count as equal.
constexpr double kEqual = 0.01;

bool are_equal(double a, double b) {
  return std::abs(a - b) <= kEqual * std::max(a, b);
}

std::size_t rival_of(const Cases& cases, const std::vector<std::size_t>& order) {
  for (const std::size_t i : order)
    if (cases[i].name != cases[order[0]].name) return i;
  return order[1];
}

std::optional<TieBreak> tie_break(const Cases& cases, std::size_t first, std::size_t second) {
  for (const Metric key : {Metric::kEnergyPerOutputToken, Metric::kCarbonPerMillionOutputTokens}) {
    const auto a = metric(cases[first], key), b = metric(cases[second], key);
    if (!a || !b || are_equal(*a, *b)) continue;
    return *a < *b ? TieBreak{key, first, second} : TieBreak{key, second, first};
  }
  return std::nullopt;
}

Duel duel(const Cases& cases, const std::vector<std::size_t>& order, Metric key) {
  Duel duel;
  duel.rival = rival_of(cases, order);
  const Comparison pair{cases[order[0]], cases[duel.rival]};
  if (are_equal(*metric(pair.winner, key), *metric(pair.loser, key))) {
    duel.lead = Lead::kEqual;
    duel.tie_break = tie_break(cases, order[0], duel.rival);
    return duel;
  }
  duel.contest = contest(pair.winner, pair.loser, key);
  duel.lead = duel.contest.is_tie() ? Lead::kTie : Lead::kClear;
  duel.driver = key == Metric::kEnergyPerOutputToken ? energy_driver(pair) : cost_driver(pair);
  return duel;
}

std::optional<std::size_t> least_energy(const Cases& cases, const std::vector<std::size_t>& order) {
  constexpr Metric kEnergy = Metric::kEnergyPerOutputToken;
  const auto joules = [&](std::size_t i) { return metric(cases[i], kEnergy); };
  if (std::ranges::any_of(order, [&](std::size_t i) { return !joules(i); })) return std::nullopt;
  const std::size_t least =
      *std::ranges::min_element(order, {}, [&](std::size_t i) { return *joules(i); });
  if (are_equal(*joules(least), *joules(order[0])) ||
      contest(cases[least], cases[order[0]], kEnergy).is_tie())
    return std::nullopt;
  return least;
}

std::optional<std::size_t> best_quality(const Cases& cases, const std::vector<std::size_t>& order) {
  std::optional<std::size_t> best;
  const auto loss = [&](std::size_t i) { return predicted_loss(cases[i])->loss; };
  for (const std::size_t i : order) {
    if (quality_order(cases[order[0]], cases[i]) != QualityOrder::kSecond) continue;
    if (loss(i) < loss(best.value_or(order[0]))) best = i;
  }
  return best;
}

}  // namespace

Verdict judge(const Cases& cases) {
  Verdict verdict;
  verdict.metric = ranking_metric(cases);
  verdict.order = ranking(cases);
  verdict.able = verdict.order.size();
  if (verdict.able == 0) return verdict;
  const WorkloadPoint best = workload_point(cases[verdict.order[0]]);
  std::erase_if(verdict.order, [&](std::size_t i) { return workload_point(cases[i]) != best; });
  if (verdict.order.size() < 2) return verdict;
  verdict.duel = duel(cases, verdict.order, verdict.metric);
  if (verdict.metric != Metric::kEnergyPerOutputToken)
    verdict.least_energy = least_energy(cases, verdict.order);
  verdict.best_quality = best_quality(cases, verdict.order);
  return verdict;
}

}  // namespace moesim
