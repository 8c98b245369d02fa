// Which case of a report to choose, and how sure that is.
#pragma once

#include <optional>
#include <vector>

#include "reports/analysis/drivers.h"
#include "reports/analysis/uncertainty.h"
#include "reports/results/case_report.h"

namespace moesim {

// How the best case and its rival compare in the figure that ranks them.
enum class Lead {
  kEqual,  // Within 1 %: the model is not finer than that.
  kTie,    // Ahead as stated, but not by more than what is uncertain.
  kClear,
};

// What tells two cases apart that are equal in the ranking.
struct TieBreak {
  Metric metric = Metric::kEnergyPerOutputToken;
  std::size_t winner = 0, loser = 0;
};

struct Duel {
  std::size_t rival = 0;  // The best case of another name, so that a sweep compares designs and not
                          // neighbouring points.
  Lead lead = Lead::kClear;
  std::optional<TieBreak> tie_break;  // Of equal ones: energy if it differs, else carbon.
  Contest contest;                    // Of ones that are not equal.
  Driver driver;                      // Of a clear lead: why.
};

struct Verdict {
  Metric metric = Metric::kCostPerMillionOutputTokens;  // That ranks the cases.
  // Cases that can be recommended and serve the workload of the best, best first. Less for easier
  // work is no better design.
  std::vector<std::size_t> order;
  std::size_t able = 0;      // Cases that can be recommended, at any workload.
  std::optional<Duel> duel;  // With at least two in the order.
  // The case that uses the least energy, if that is not the best one, neither equal to it nor tied.
  std::optional<std::size_t> least_energy;
  // The least predicted loss of those that are better than the best case beyond what the scaling
  // law can tell.
  std::optional<std::size_t> best_quality;
};

Verdict judge(const std::vector<CaseReport>& cases);

}  // namespace moesim
