// Which of two cases would answer better, as far as a scaling law can tell: what has to stand
// beside every comparison of their costs.
#pragma once

#include <string>

#include "reports/results/case_report.h"

namespace moesim {

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

// "1.86 nat (1.83 to 1.89)". Requires: a predicted loss.
std::string loss_text(const CaseReport& report);

// What quality_order() says, with both losses and their intervals: "dense is predicted to answer
// better than moe: loss 1.86 nat (1.83 to 1.89) against 1.98 nat (1.87 to 2.00)". Empty for two
// cases of one model. `name_a`, `name_b`: what the cases are called in it.
std::string quality_clause(const CaseReport& a, const std::string& name_a, const CaseReport& b,
                           const std::string& name_b);

}  // namespace moesim
