// A whole run: the resolved scenario and its cases, rendered for people and programs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/analysis/demand.h"
#include "reports/results/case_report.h"

namespace moesim {

struct Report {
  std::string scenario;  // Name.
  std::string question;
  std::uint64_t seed = 0;
  std::string resolved;  // The scenario with every default written out, as YAML; enough to rerun.
  bool interrupted = false;
  std::optional<DemandResponse> demand;  // Absent: nobody asked.
  std::vector<CaseReport> cases;         // In sweep order, then case order.
};

// "0.1.0".
std::string_view program_version();

// Context (version, seed, resolved scenario, metric meanings, provenance) and every case. No clock,
// no path: the same scenario and seed give the same bytes. Expert loads, latency curves and queues
// are there for up to kMostDetailedCases cases; of a large sweep they would be most of the file.
inline constexpr std::size_t kMostDetailedCases = 16;
nlohmann::ordered_json report_json(const Report& report);

// One row a case, one column a metric, sweep settings first.
std::string report_csv(const Report& report);

// The comparison table, the winner and the reason in one sentence of plain numbers.
// `width` = columns of the terminal.
std::string report_text(const Report& report, int width);

// One offline file with Chart.js inlined.
std::string report_html(const Report& report);

// "mixtral costs 0.21 USD per million output tokens against 0.94 ...: it reads 3.4 times fewer ..."
// One sentence; says so when there is nothing to compare.
std::string verdict(const Report& report);

// Writes report.json, cases.csv and report.html into a folder (made if missing), each by a
// temporary name and a rename, so that no half-written file is ever left under its name. Throws:
// InputError if the folder cannot be written.
void write_report(const Report& report, const std::string& folder);
// The same for one more file.
void write_output(const std::string& folder, const std::string& name, const std::string& text);

}  // namespace moesim
