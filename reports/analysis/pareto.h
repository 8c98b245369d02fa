// Which cases no other beats in every respect: cost, energy, latency and predicted quality.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

struct ParetoFront {
  std::vector<std::string> objectives;  // That every case able to win has; less is better.
  std::vector<std::string> left_out;    // That one of them lacks.
  bool extrapolated = false;            // Quality is, for one of them at least.
  bool assumed = false;                 // Training tokens are, for one of them at least.
  std::vector<std::size_t> members;     // Indices, in report order.
};

// Of the cases that can win (reports/analysis/ranking.h): those that no other is at least as good
// as in every objective and better in one.
ParetoFront pareto_front(const std::vector<CaseReport>& cases);

// Value of an objective; predicted_loss_nats stands for the extrapolated one outside the law too.
std::optional<double> objective(const CaseReport& report, const std::string& key);

// One sentence; empty for fewer than two cases that can win.
std::string pareto_sentence(const std::vector<CaseReport>& cases);

nlohmann::ordered_json to_json(const ParetoFront& front, const std::vector<CaseReport>& cases);

}  // namespace moesim
