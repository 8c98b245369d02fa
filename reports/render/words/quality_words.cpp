#include "reports/render/words/quality_words.h"

#include <fmt/format.h>

#include "reports/analysis/quality_order.h"
#include "reports/render/words/format.h"

namespace moesim {
namespace {

bool is_extrapolated(const CaseReport& report) {
  const auto loss = predicted_loss(report);
  return !loss || loss->extrapolated;
}

// What the losses rest on, where that is less than the law itself.
std::string grounds(const CaseReport& a, const CaseReport& b) {
  std::string text;
  if (is_extrapolated(a) || is_extrapolated(b))
    text += ", extrapolated beyond the scaling law's experiments";
  if (a.quality.tokens_assumed && b.quality.tokens_assumed) text += ", training tokens assumed";
  return text;
}

std::optional<double> loss_of(const CaseReport& report) {
  const auto loss = predicted_loss(report);
  return loss ? std::optional(loss->loss) : std::nullopt;
}

}  // namespace

std::string loss_text(const CaseReport& report) {
  const PredictedLoss range = *predicted_loss(report);
  const std::string loss = readable_number(range.loss) + " nat";
  if (range.low == range.high) return loss;
  return fmt::format("{} ({} to {})", loss, readable_number(range.low),
                     readable_number(range.high));
}

std::string quality_clause(const CaseReport& a, const std::string& name_a, const CaseReport& b,
                           const std::string& name_b) {
  if (a.model == b.model && loss_of(a) == loss_of(b)) return "";
  const auto better = [&](const CaseReport& x, const std::string& name_x, const CaseReport& y,
                          const std::string& name_y) {
    return fmt::format("{} is predicted to answer better than {}: loss {} against {}{}", name_x,
                       name_y, loss_text(x), loss_text(y), grounds(x, y));
  };
  switch (quality_order(a, b)) {
    case QualityOrder::kUnknown:
      return fmt::format("quality is left out: {} has no predicted loss",
                         loss_of(a) ? name_b : name_a);
    case QualityOrder::kUnlike:
      return fmt::format("quality is left out: the training tokens of {} are not published",
                         a.quality.tokens_assumed ? name_a : name_b);
    case QualityOrder::kEqual:
      return fmt::format("their predicted quality is equal: loss {} nat each{}",
                         readable_number(*loss_of(a)), grounds(a, b));
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
