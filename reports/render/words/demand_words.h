// The monthly bill with demand response, in words.
#pragma once

#include <string>
#include <vector>

#include "reports/analysis/demand.h"

namespace moesim {

// What the rows are compared with, what is left out and why; or why there are no rows.
std::string demand_sentence(const std::vector<CaseReport>& cases, const DemandResponse& response,
                            const DemandBills& bills);

// "moe (tp 1)"; where the workload is swept, the reference of every workload.
std::string reference_text(const std::vector<CaseReport>& cases, const DemandBills& bills);

}  // namespace moesim
