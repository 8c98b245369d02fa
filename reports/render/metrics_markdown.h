// The reference of every metric, as Markdown.
#pragma once

#include <string>

namespace moesim {

// A table for each group of metric_table().
std::string metrics_markdown();

}  // namespace moesim
