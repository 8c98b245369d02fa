// Where along a swept setting an MoE case and a dense one change places in cost, and which part of
// the cost makes them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/analysis/explain.h"
#include "reports/results/case_report.h"

namespace moesim {

struct BreakEvenPoint {
  double setting = 0;
  double moe = 0, dense = 0;  // Cost per million output tokens.
  bool tie = false;  // The samples turn the order too often (reports/analysis/uncertainty.h).
};

// The part of the cost that changes most between two points, in the direction of the new order.
struct TurningPart {
  CostPart part = CostPart::kCompute;
  ExplainedQuantity quantity = ExplainedQuantity::kCost;
  double before = 0, after = 0;  // What the MoE case pays more than the dense one for it.
};

struct Crossing {
  double at = 0;                 // The setting where both cost the same.
  double before = 0, after = 0;  // Its neighbours among the points.
  bool moe_wins_after = false;
  std::optional<TurningPart> reason;  // Nothing where a case cannot be explained.
};

// One pair along one setting, all other settings alike.
struct BreakEvenCurve {
  std::string moe, dense;  // Case names.
  std::string path;
  std::string unit;  // Of the setting, as the scenario writes it; empty = a plain number.
  std::vector<std::pair<std::string, std::string>> others;  // Name, value: other settings.
  std::vector<BreakEvenPoint> points;                       // By setting.
  std::vector<Crossing> crossings;
};

// Of every MoE case and every dense one (its twins and other cases alike) that have at least two
// points in common along a path of plain numbers or quantities. Both must have finished with a
// price; of more than 5,000 cases there are none. Between two points the logarithm of the costs'
// ratio is taken as linear in the setting's logarithm (in the setting where one is not positive):
//   at = x0 (x1/x0)^(d0 / (d0 - d1)),   d = ln(moe / dense)
std::vector<BreakEvenCurve> break_even_curves(const std::vector<CaseReport>& cases);

}  // namespace moesim
