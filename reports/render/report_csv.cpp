#include "reports/render/report_csv.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "reports/render/words/format.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

// RFC 4180: quoted if it holds a comma, a quote or a line break; quotes doubled.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

bool is_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0 && std::isfinite(value);
}

// A spreadsheet takes a text that begins with one of these for a formula; an apostrophe before it
// makes it a text. Source: OWASP, "CSV Injection".
std::string plain(const std::string& text) {
  const bool is_formula = text.find_first_of("=+-@\t\r") == 0 && !is_number(text);
  return is_formula ? "'" + text : text;
}

std::string line_of(const std::vector<std::string>& fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) line += (i ? "," : "") + quoted(fields[i]);
  return line + "\n";
}

// `owner` = the case itself, or the one whose baseline it is.
std::vector<std::string> row_of(const CaseReport& report, const CaseReport& owner,
                                const std::vector<std::string>& paths) {
  std::vector<std::string> row;
  for (const std::string& path : paths) row.push_back(setting(owner, path));
  const std::string status(status_name(report.status));
  row.insert(row.end(), {report.name, status, report.reason, report.remedy, report.model,
                         report.hardware, report.layout, &report == &owner ? "" : owner.name,
                         report.twin_of, report.routing.basis, report.routing.provenance});
  std::ranges::transform(row, row.begin(), plain);
  for (const MetricRow& entry : metric_table()) {
    const std::optional<double> value = metric(report, entry.metric);
    row.push_back(value ? exact_number(*value) : "");
  }
  return row;
}

}  // namespace

std::string report_csv(const Report& report) {
  const std::vector<std::string> paths = swept_paths(report.cases);
  std::vector<std::string> header = paths;
  std::ranges::transform(header, header.begin(), plain);
  header.insert(header.end(), {"name", "status", "reason", "remedy", "model", "hardware", "layout",
                               "baseline_of", "twin_of", "routing_basis", "routing_provenance"});
  for (const MetricRow& entry : metric_table()) header.push_back(entry.key);
  std::string text = line_of(header);
  for (const CaseReport& row : report.cases) {
    text += line_of(row_of(row, row, paths));
    for (const CaseReport& twin : row.baselines) text += line_of(row_of(twin, row, paths));
  }
  return text;
}

}  // namespace moesim
