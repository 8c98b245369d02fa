// The columns of each topic's table and the range of their numbers.
#pragma once

#include <span>
#include <string_view>

#include "scenarios/validate/truth/truth_table.h"

namespace moesim {

enum class CellKind {
  kText,
  kCount,   // A whole number from 0 to `most`.
  kNumber,  // A number from 0 to `most`.
};

struct TruthColumn {
  std::string_view name;
  CellKind kind = CellKind::kText;
  double most = 0;
  bool essential = false;  // Required: without it no row can be scored.
};

std::span<const TruthColumn> truth_columns(Topic topic);

// The unit in which a metric is published; empty for an unknown metric.
std::string_view unit_of_metric(std::string_view metric);

}  // namespace moesim
