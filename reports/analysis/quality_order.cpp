#include "reports/analysis/quality_order.h"

#include <fmt/format.h>

#include <cmath>

#include "reports/render/format.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

constexpr double kEqualNats = 0.005;

struct Range {
  double loss = 0, low = 0, high = 0;
};

// Without an interval the loss alone.
std::optional<Range> range_of(const CaseReport& report) {
  const auto loss = ranked_loss(report);
  if (!loss) return std::nullopt;
  return Range{*loss, metric(report, "predicted_loss_low_nats").value_or(*loss),
               metric(report, "predicted_loss_high_nats").value_or(*loss)};
}

bool is_extrapolated(const CaseReport& report) {
  return !metric(report, "predicted_loss_nats");
}

// What the losses rest on, where that is less than the law itself.
std::string grounds(const CaseReport& a, const CaseReport& b) {
  std::string text;
  if (is_extrapolated(a) || is_extrapolated(b))
    text += ", extrapolated beyond the scaling law's experiments";
  if (a.quality.tokens_assumed && b.quality.tokens_assumed) text += ", training tokens assumed";
  return text;
}

}  // namespace

std::string loss_text(const CaseReport& report) {
  const Range range = *range_of(report);
  const std::string loss = readable_number(range.loss) + " nat";
  if (range.low == range.high) return loss;
  return fmt::format("{} ({} to {})", loss, readable_number(range.low),
                     readable_number(range.high));
}

bool losses_compare(const CaseReport& a, const CaseReport& b) {
  const auto of_a = metric(a, "training_tokens"), of_b = metric(b, "training_tokens");
  return a.quality.tokens_assumed == b.quality.tokens_assumed || (of_a && of_a == of_b);
}

QualityOrder quality_order(const CaseReport& a, const CaseReport& b) {
  const auto of_a = range_of(a), of_b = range_of(b);
  if (!of_a || !of_b) return QualityOrder::kUnknown;
  if (!losses_compare(a, b)) return QualityOrder::kUnlike;
  if (std::abs(of_a->loss - of_b->loss) < kEqualNats) return QualityOrder::kEqual;
  if (of_a->high < of_b->low) return QualityOrder::kFirst;
  return of_b->high < of_a->low ? QualityOrder::kSecond : QualityOrder::kUndecided;
}

std::string quality_clause(const CaseReport& a, const std::string& name_a, const CaseReport& b,
                           const std::string& name_b) {
  const QualityOrder order = quality_order(a, b);
  if (a.model == b.model && ranked_loss(a) == ranked_loss(b)) return "";
  const auto better = [&](const CaseReport& x, const std::string& name_x, const CaseReport& y,
                          const std::string& name_y) {
    return fmt::format("{} is predicted to answer better than {}: loss {} against {}{}", name_x,
                       name_y, loss_text(x), loss_text(y), grounds(x, y));
  };
  switch (order) {
    case QualityOrder::kUnknown:
      return fmt::format("quality is left out: {} has no predicted loss",
                         ranked_loss(a) ? name_b : name_a);
    case QualityOrder::kUnlike:
      return fmt::format("quality is left out: the training tokens of {} are not published",
                         a.quality.tokens_assumed ? name_a : name_b);
    case QualityOrder::kEqual:
      return fmt::format("their predicted quality is equal: loss {} nat each{}",
                         readable_number(*ranked_loss(a)), grounds(a, b));
    case QualityOrder::kUndecided:
      return fmt::format(
          "the scaling law cannot tell which answers better: loss {} for {}, {} for {}{}",
          loss_text(a), name_a, loss_text(b), name_b, grounds(a, b));
    case QualityOrder::kFirst:
      return better(a, name_a, b, name_b);
    case QualityOrder::kSecond:
      return better(b, name_b, a, name_a);
  }
  return "";
}

}  // namespace moesim
