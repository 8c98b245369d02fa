// Names the columns of a trace that nobody used, with what that means for the answer.
#pragma once

#include <string>
#include <vector>

#include "scenarios/format/trace/trace_row.h"

namespace moesim {

// "not used: hash_ids (prefix caching is not modelled); ..."; empty if there are none.
std::string unused_columns_text(const std::vector<std::string>& columns);

// Adds a fault for each pause or duration of a row that is below 0, used or not.
void check_gaps(const TraceRow& row);

}  // namespace moesim
