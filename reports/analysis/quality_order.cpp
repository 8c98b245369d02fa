#include "reports/analysis/quality_order.h"

#include <cmath>

namespace moesim {
namespace {

constexpr double kEqualNats = 0.005;

}  // namespace

std::optional<PredictedLoss> predicted_loss(const CaseReport& report) {
  const auto inside = metric(report, Metric::kPredictedLoss);
  const auto loss = inside ? inside : metric(report, Metric::kPredictedLossExtrapolated);
  if (!loss) return std::nullopt;
  return PredictedLoss{*loss, metric(report, Metric::kPredictedLossLow).value_or(*loss),
                       metric(report, Metric::kPredictedLossHigh).value_or(*loss), !inside};
}

bool losses_compare(const CaseReport& a, const CaseReport& b) {
  const auto of_a = metric(a, Metric::kTrainingTokens), of_b = metric(b, Metric::kTrainingTokens);
  return a.quality.tokens_assumed == b.quality.tokens_assumed || (of_a && of_a == of_b);
}

QualityOrder quality_order(const CaseReport& a, const CaseReport& b) {
  const auto of_a = predicted_loss(a), of_b = predicted_loss(b);
  if (!of_a || !of_b) return QualityOrder::kUnknown;
  if (!losses_compare(a, b)) return QualityOrder::kUnlike;
  if (std::abs(of_a->loss - of_b->loss) < kEqualNats) return QualityOrder::kEqual;
  if (of_a->high < of_b->low) return QualityOrder::kFirst;
  return of_b->high < of_a->low ? QualityOrder::kSecond : QualityOrder::kUndecided;
}

}  // namespace moesim
