#include "reports/analysis/baselines.h"

#include <array>

namespace moesim {
namespace {

// Time, memory, energy, money.
constexpr std::array kImbalanceMetrics = {Metric::kTpotP50,
                                          Metric::kTtftP50,
                                          Metric::kOutputTokensPerSecond,
                                          Metric::kMemoryPeakBytes,
                                          Metric::kEnergyPerOutputToken,
                                          Metric::kCostPerMillionOutputTokens};

}  // namespace

const std::vector<Metric>& baseline_metrics() {
  static const std::vector<Metric> kMetrics = {Metric::kTtftP50,
                                               Metric::kTtftP99,
                                               Metric::kTpotP50,
                                               Metric::kTpotP99,
                                               Metric::kOutputTokensPerSecond,
                                               Metric::kMemoryPeakBytes,
                                               Metric::kEnergyPerOutputToken,
                                               Metric::kCostPerMillionOutputTokens,
                                               Metric::kImbalanceWaitShareOfBusyTime,
                                               Metric::kDecodeExpertsHit};
  return kMetrics;
}

std::optional<double> relative_difference(const CaseReport& report, const CaseReport& baseline,
                                          Metric key) {
  const std::optional<double> own = metric(report, key), other = metric(baseline, key);
  if (!own || !other || *own == 0 || metric_row(key).unit == "share") return std::nullopt;
  return *other / *own - 1;
}

std::string baseline_title(const CaseReport& report, const CaseReport& baseline) {
  const std::size_t start = report.name.size() + 2;  // After " (".
  if (baseline.name.size() <= start) return baseline.name;
  return baseline.name.substr(start, baseline.name.size() - start - 1);
}

const CaseReport* balanced_twin(const CaseReport& report) {
  for (const CaseReport& twin : report.baselines) {
    if (twin.status == CaseStatus::kDone && baseline_title(report, twin) == "balanced routing")
      return &twin;
  }
  return nullptr;
}

std::vector<ImbalanceEffect> imbalance_effects(const CaseReport& report) {
  const CaseReport* balanced = balanced_twin(report);
  if (balanced == nullptr) return {};
  std::vector<ImbalanceEffect> effects;
  for (const Metric key : kImbalanceMetrics) {
    const std::optional<double> change = relative_difference(*balanced, report, key);
    if (change) effects.push_back({key, *metric(report, key), *metric(*balanced, key), *change});
  }
  return effects;
}

}  // namespace moesim
