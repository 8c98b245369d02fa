#include "reports/analysis/explain.h"

#include <algorithm>
#include <cmath>

namespace moesim {
namespace {

constexpr double kNoise = 1e-9;  // Of the figures compared: rounding, no difference.

struct Parts {
  std::array<double, kNumCostParts> values{};

  double& operator[](CostPart part) { return values[static_cast<std::size_t>(part)]; }
};

double value(const CaseReport& report, Metric key) {
  return metric(report, key).value_or(0);
}

// A case as the derivation sees it; times in device-seconds per output token.
struct View {
  explicit View(const CaseReport& report) {
    const double tokens = value(report, Metric::kOutputTokens);
    const auto time = [&](Metric key) { return value(report, key) / tokens; };
    const double again = value(report, Metric::kRecomputedTokens);
    redone = again / (again + value(report, Metric::kInputTokens) + tokens);
    compute = time(Metric::kTimeCompute);
    hbm = time(Metric::kTimeMemory);
    network = time(Metric::kTimeCommunication);
    launches = time(Metric::kTimeOverhead);
    imbalance = time(Metric::kTimeImbalanceWait);
    idle = time(Metric::kTimeIdle);
    unallocated = time(Metric::kTimeUnallocated);
    const double weights = value(report, Metric::kWeightsReadPerOutputTokenBytes);
    const double kv = value(report, Metric::kKvReadPerOutputTokenBytes);
    weights_share = weights > 0 ? weights / (weights + kv) : 0;
    const double devices = value(report, Metric::kDevicesWithRank);
    const double sequences = value(report, Metric::kMeanBatch) * value(report, Metric::kReplicas);
    batch = devices > 0 ? sequences / devices : 0;
    pool_full =
        value(report, Metric::kKvPeakShare) >= 0.95 || value(report, Metric::kPreemptions) > 0;
  }

  double busy() const { return compute + hbm + network + launches; }
  double total() const { return busy() + imbalance + idle + unallocated; }

  double compute = 0, hbm = 0, network = 0, launches = 0, imbalance = 0, idle = 0, unallocated = 0;
  double redone = 0;         // Share of busy time.
  double weights_share = 0;  // Of HBM time.
  double batch = 0;          // Sequences per device.
  bool pool_full = false;
};

// What is paid once per step, t per token at batch n: the difference at the same batch, and the
// batch's own.
struct StepSplit {
  double same_batch = 0, batch = 0;
};
StepSplit split_step(double ta, double na, double tb, double nb) {
  if (!(na > 0) || !(nb > 0)) return {tb - ta, 0};
  const double sa = ta * na, sb = tb * nb;
  return {(sb - sa) * (1 / na + 1 / nb) / 2, (sa + sb) / 2 * (1 / nb - 1 / na)};
}

// Differences of device-seconds per output token.
Parts time_differences(const View& a, const View& b) {
  using enum CostPart;
  Parts parts;
  const double keep_a = 1 - a.redone, keep_b = 1 - b.redone;
  parts[kCompute] = b.compute * keep_b - a.compute * keep_a;
  parts[kNetwork] = b.network * keep_b - a.network * keep_a;
  parts[kImbalance] = b.imbalance - a.imbalance;
  parts[kIdle] = b.idle - a.idle;
  parts[kUnallocated] = b.unallocated - a.unallocated;
  parts[kKvCachePressure] = b.busy() * b.redone - a.busy() * a.redone;
  const double hbm_a = a.hbm * keep_a, hbm_b = b.hbm * keep_b;
  const StepSplit weights =
      split_step(hbm_a * a.weights_share, a.batch, hbm_b * b.weights_share, b.batch);
  const StepSplit launches = split_step(a.launches * keep_a, a.batch, b.launches * keep_b, b.batch);
  parts[kHbm] = weights.same_batch + hbm_b * (1 - b.weights_share) - hbm_a * (1 - a.weights_share);
  parts[kLaunches] = launches.same_batch;
  const View& smaller = a.batch < b.batch ? a : b;
  parts[smaller.pool_full ? kKvCachePressure : kLowBatchOccupancy] +=
      weights.batch + launches.batch;
  return parts;
}

double noise(double a, double b) {
  return kNoise * std::max(std::abs(a), std::abs(b));
}

// What rounding leaves of two figures is no part of their difference.
Explanation rounded(Explanation explanation) {
  for (double& part : explanation.parts)
    if (std::abs(part) <= noise(explanation.a, explanation.b)) part = 0;
  return explanation;
}

// Seconds of a request per output token, by part.
Parts request_time(const CaseReport& report, double& total) {
  using enum CostPart;
  const View view(report);
  const double completed = value(report, Metric::kRequestsCompleted);
  const double answer = value(report, Metric::kOutputTokens) / completed;
  total = value(report, Metric::kE2eMean) / answer;
  const double arrived = value(report, Metric::kRequestsArrived);
  const double waiting = arrived > 0 ? value(report, Metric::kRequestsWaitingMean) *
                                           value(report, Metric::kHorizon) / arrived
                                     : 0;
  const double waited = std::min(total, waiting / answer);
  Parts parts;
  parts[view.pool_full ? kKvCachePressure : kQueueing] = waited;
  const double inside = view.busy() + view.imbalance;
  if (!(inside > 0)) {
    parts[kIdle] = total - waited;
    return parts;
  }
  const double each = (total - waited) / inside;
  parts[kCompute] = each * view.compute;
  parts[kHbm] = each * view.hbm;
  parts[kNetwork] = each * view.network;
  parts[kLaunches] = each * view.launches;
  parts[kImbalance] = each * view.imbalance;
  return parts;
}

}  // namespace

bool Explanation::differs() const {
  return std::abs(difference()) > noise(a, b);
}

bool can_explain(const CaseReport& a, const CaseReport& b) {
  return std::ranges::all_of(std::array{&a, &b}, [](const CaseReport* report) {
    return report->status == CaseStatus::kDone && value(*report, Metric::kOutputTokens) > 0 &&
           value(*report, Metric::kRequestsCompleted) > 0;
  });
}

Explanation explain_cost(const CaseReport& a, const CaseReport& b) {
  constexpr Metric kCost = Metric::kCostPerMillionOutputTokens;
  const View va(a), vb(b);
  const bool priced = metric(a, kCost) && metric(b, kCost);
  constexpr double kMillion = 1e6;
  const double pa = priced ? value(a, kCost) / va.total() : kMillion;
  const double pb = priced ? value(b, kCost) / vb.total() : kMillion;
  Parts parts = time_differences(va, vb);
  for (double& part : parts.values) part *= (pa + pb) / 2;
  parts[CostPart::kPrice] = (pb - pa) * (va.total() + vb.total()) / 2;
  return rounded({priced ? ExplainedQuantity::kCost : ExplainedQuantity::kDeviceTime,
                  pa * va.total(), pb * vb.total(), parts.values});
}

Explanation explain_time(const CaseReport& a, const CaseReport& b) {
  Explanation explanation{ExplainedQuantity::kTime, 0, 0, {}};
  const Parts of_a = request_time(a, explanation.a);
  explanation.parts = request_time(b, explanation.b).values;
  for (std::size_t i = 0; i < kNumCostParts; ++i) explanation.parts[i] -= of_a.values[i];
  return rounded(explanation);
}

CostPart main_part(const Explanation& explanation) {
  const double sign = explanation.difference() < 0 ? -1 : 1;
  const auto furthest = std::ranges::max_element(
      explanation.parts, {}, [sign](double difference) { return sign * difference; });
  return static_cast<CostPart>(furthest - explanation.parts.begin());
}

}  // namespace moesim
