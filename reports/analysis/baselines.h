// A case against the same case with a baseline in place of its router: what simpler assumptions
// about routing would have said, and what imbalance costs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Metrics that are compared, in the order of the tables.
const std::vector<std::string_view>& baseline_keys();

// Relative difference of the baseline's metric from the case's; nothing where either has no value,
// the case's is zero, or the metric is a share itself.
std::optional<double> relative_difference(const CaseReport& one, const CaseReport& baseline,
                                          std::string_view key);

// "balanced routing" of a baseline called "moe (balanced routing)".
std::string baseline_title(const CaseReport& one, const CaseReport& baseline);

// The finished twin without any imbalance; null if the case has none.
const CaseReport* balanced_twin(const CaseReport& one);

// "Imbalance costs moe 4.1 % TPOT P50, ..."; empty without a balanced twin.
std::string imbalance_sentence(const CaseReport& one);

// By metric: value with and without imbalance, and the difference over the latter. Null without a
// balanced twin.
nlohmann::ordered_json imbalance_json(const CaseReport& one);

}  // namespace moesim
