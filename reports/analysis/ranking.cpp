#include "reports/analysis/ranking.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "reports/analysis/uncertainty.h"

namespace moesim {
namespace {

// A case that turns away more than this share of its requests does not serve the traffic asked for.
constexpr double kToleratedRejections = 0.01;

bool is_set(const CaseReport& report, Metric key) {
  return metric(report, key).value_or(0) > 0;
}

}  // namespace

double rejected_share(const CaseReport& report) {
  const double rejected = metric(report, Metric::kRequestsRejected).value_or(0);
  return rejected / std::max(1.0, metric(report, Metric::kRequestsArrived).value_or(0));
}

Disqualification disqualification(const CaseReport& report) {
  using enum Disqualification;
  if (report.status == CaseStatus::kSkipped) return kSkipped;
  if (report.status == CaseStatus::kFailed) return kFailed;
  if (report.status == CaseStatus::kInfeasible) return kInfeasible;
  if (!is_set(report, Metric::kRequestsCompleted)) return kNothingCompleted;
  if (!is_set(report, Metric::kOutputTokens)) return kNoToken;
  if (rejected_share(report) > kToleratedRejections) return kRejections;
  if (is_set(report, Metric::kSaturated)) return kSaturated;
  if (is_set(report, Metric::kTooShort)) return kTooShort;
  if (metric(report, Metric::kSloMet).value_or(1) == 0) return kMissesSlo;
  const auto slo = slo_samples(report);
  return slo && slo->met < report.confidence * slo->samples ? kUnsafe : kNone;
}

bool can_win(const CaseReport& report) {
  return disqualification(report) == Disqualification::kNone;
}

std::vector<SloLimit> slo_limits(const CaseReport& report) {
  std::vector<SloLimit> limits;
  for (const auto& [limit_of, reached] : {std::pair{Metric::kSloTtftP99, Metric::kTtftP99},
                                          {Metric::kSloTpotP99, Metric::kTpotP99}}) {
    if (const auto limit = metric(report, limit_of))
      limits.push_back({reached, *limit, metric(report, reached)});
  }
  return limits;
}

Metric ranking_metric(const std::vector<CaseReport>& cases) {
  const bool all_priced = std::ranges::all_of(cases, [](const CaseReport& report) {
    return !can_win(report) || metric(report, Metric::kCostPerMillionOutputTokens);
  });
  return all_priced ? Metric::kCostPerMillionOutputTokens : Metric::kEnergyPerOutputToken;
}

std::vector<std::size_t> ranking(const std::vector<CaseReport>& cases) {
  const Metric key = ranking_metric(cases);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < cases.size(); ++i)
    if (can_win(cases[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return metric(cases[a], key).value_or(0) < metric(cases[b], key).value_or(0);
  });
  return order;
}

WorkloadPoint workload_point(const CaseReport& report) {
  WorkloadPoint settings;
  std::ranges::copy_if(report.point, std::back_inserter(settings),
                       [](const auto& entry) { return entry.first.starts_with("workload."); });
  std::ranges::sort(settings);
  return settings;
}

std::vector<std::size_t> shown_cases(const std::vector<CaseReport>& cases, std::size_t most) {
  std::vector<std::size_t> shown(cases.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  if (cases.size() <= most) return shown;
  std::vector<std::size_t> order = ranking(cases);
  for (const std::size_t i : shown)
    if (!can_win(cases[i])) order.push_back(i);
  order.resize(most);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace moesim
