// Where the numbers of a whole report rest.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// The facts of all cases, each once, in order of first use.
std::vector<Fact> distinct_facts(const std::vector<CaseReport>& cases);

// How many facts rest on what, most first: ("data-sheet", 41), ("assumption", 7).
std::vector<std::pair<std::string, int>> facts_by_confidence(const std::vector<Fact>& facts);

// How the tokens of the MoE cases were routed, each way once.
std::vector<std::string> distinct_routings(const std::vector<CaseReport>& cases);

}  // namespace moesim
