// Cases as JSON: what a child process sends home, and what report.json shows of them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

enum class JsonScope {
  kTransport,  // All that case_report_from_json() needs.
  kReport,     // The case in report.json; its baselines come without details.
  kBrief,      // The same without details: curves, queues, loads by expert, matrices.
};

// All but the samples.
nlohmann::ordered_json to_json(const CaseReport& report, JsonScope scope = JsonScope::kTransport);
// Requires: of JsonScope::kTransport.
CaseReport case_report_from_json(const nlohmann::ordered_json& json);

nlohmann::ordered_json to_json(const CaseMetrics& metrics);
CaseMetrics case_metrics_from_json(const nlohmann::ordered_json& json);

nlohmann::ordered_json to_json(const Fact& fact);
nlohmann::ordered_json to_json(const std::vector<TrainingPoint>& training);

}  // namespace moesim
