// Which of two cases would answer better, as far as a scaling law can tell: what has to stand
// beside every comparison of their costs.
#pragma once

#include <optional>

#include "reports/results/case_report.h"

namespace moesim {

struct PredictedLoss {
  double loss = 0;            // Nats per token.
  double low = 0, high = 0;   // Its interval; the loss itself without one.
  bool extrapolated = false;  // By the law's formula beyond its experiments: no prediction.
};
// Nothing without a loss inside or outside the law's experiments.
std::optional<PredictedLoss> predicted_loss(const CaseReport& report);

enum class QualityOrder {
  kUnknown,    // One of them has no predicted loss.
  kUnlike,     // The training tokens of one are known, those of the other guessed, and differ.
  kEqual,      // Within 0.005 nat: the law is not finer than its third digit.
  kUndecided,  // The intervals overlap. They hold errors that both share, so this errs on its side.
  kFirst,      // The first one's interval lies below the second's: less loss is better.
  kSecond,
};
QualityOrder quality_order(const CaseReport& a, const CaseReport& b);

// Whether the predicted losses rest on like training tokens: all known (or borrowed from a model of
// which they are), all by the same assumption, or as many for both.
bool losses_compare(const CaseReport& a, const CaseReport& b);

}  // namespace moesim
