// The few metrics that people compare first; the rest is in the full tables.
#pragma once

#include <string_view>
#include <vector>

#include "reports/metrics/metric.h"

namespace moesim {

// Rows of the side-by-side table: heading, metrics.
struct KeyGroup {
  std::string_view heading;
  std::vector<Metric> keys;
};
const std::vector<KeyGroup>& key_groups();

// Columns of a sweep, short enough for one line.
struct KeyColumn {
  Metric key;
  std::string_view heading;
  bool less_is_better = true;
};
const std::vector<KeyColumn>& key_columns();

}  // namespace moesim
