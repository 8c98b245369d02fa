#include "reports/render/report_markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reports/analysis/doubt.h"
#include "reports/analysis/ranking.h"
#include "reports/render/format.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

constexpr std::size_t kMostColumns = 6;
constexpr std::size_t kMostRows = 40;
constexpr std::size_t kMostWarnings = 10;

using Row = std::vector<std::string>;
using Cases = std::vector<const CaseReport*>;

// "1.92 USD (1.91 to 1.95 USD)".
std::string with_interval(const CaseReport& one, std::string_view key) {
  const std::string range = readable_interval(one, key);
  return readable_metric(one, key) + (range.empty() ? "" : " (" + range + ")");
}

// "misses its service level", without the figures, which the warnings have.
std::string result(const CaseReport& one) {
  const std::string why = disqualification(one);
  return why.empty() ? "ok" : why.substr(0, why.find(':'));
}

// One row of cells per case under a header; headline metrics that no case has are left out.
std::vector<Row> grid(const Cases& cases, const std::vector<std::string>& paths, bool described) {
  std::vector<Row> rows = {{"case", "result"}};
  for (const CaseReport* one : cases) rows.push_back({case_title(*one, paths), result(*one)});
  const auto column = [&](const std::string& heading, const auto& text_of) {
    rows.front().push_back(heading);
    for (std::size_t i = 0; i < cases.size(); ++i) rows[i + 1].push_back(text_of(*cases[i]));
  };
  if (described) {
    column("model", [](const CaseReport& one) { return one.model; });
    column("hardware", [](const CaseReport& one) { return one.hardware; });
    column("layout", [](const CaseReport& one) { return one.layout; });
  }
  for (const std::string_view key : headline_keys()) {
    const auto has = [&](const CaseReport* one) { return metric(*one, key).has_value(); };
    if (std::none_of(cases.begin(), cases.end(), has)) continue;
    column(metric_named(key).label, [&](const CaseReport& c) { return with_interval(c, key); });
  }
  return rows;
}

std::vector<Row> transposed(const std::vector<Row>& rows) {
  std::vector<Row> columns(rows.front().size());
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) columns[i].push_back(row[i]);
  return columns;
}

std::string table(const std::vector<Row>& rows) {
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (const std::string& cell : rows[r]) text += "| " + markdown_text(cell) + " ";
    text += "|\n";
    if (r > 0) continue;
    for (std::size_t c = 0; c < rows[r].size(); ++c) text += c == 0 ? "| --- " : "| ---: ";
    text += "|\n";
  }
  return text;
}

// What is against a case; empty if nothing is.
std::string warning(const CaseReport& one) {
  const std::string why = disqualification(one);
  if (!why.empty()) return why;
  const auto met = service_level_draws(one);
  if (!met) return "";
  return fmt::format("meets its service level in {} of {} draws", met->first, met->second);
}

std::string assumed_routing(const std::vector<CaseReport>& cases) {
  std::set<std::string> models;
  for (const CaseReport& one : cases)
    if (one.routing.basis == "assumption") models.insert(one.model);
  std::string text;
  for (const std::string& model : models) {
    text += fmt::format("- **{}**: {}\n", markdown_text(model), basis_meaning("assumption"));
  }
  return text;
}

std::string warnings(const Report& report, const std::vector<std::string>& paths) {
  std::string text;
  if (report.interrupted) text += "- **interrupted**: what had not run by then is marked\n";
  std::size_t count = 0;
  for (const CaseReport& one : report.cases) {
    const std::string why = warning(one);
    if (why.empty() || ++count > kMostWarnings) continue;
    text +=
        fmt::format("- **{}**: {}\n", markdown_text(case_title(one, paths)), markdown_text(why));
  }
  if (count > kMostWarnings) {
    text += fmt::format("- and {} rows more; cases.csv has all of them\n", count - kMostWarnings);
  }
  return text + assumed_routing(report.cases);
}

}  // namespace

std::string markdown_text(std::string_view text) {
  std::string safe;
  for (const char c : printable(text)) {
    // As character references these are no structure wherever they stand, in tables too.
    if (std::string_view("&<>|`\\").find(c) != std::string_view::npos) {
      safe += fmt::format("&#{};", static_cast<int>(c));
    } else {
      if (std::string_view("*_[]~#$!").find(c) != std::string_view::npos) safe += '\\';
      safe += c;
    }
  }
  return safe;
}

std::string report_markdown(const Report& report) {
  const std::vector<std::string> paths = swept_paths(report.cases);
  const bool sweep = !paths.empty() || report.cases.size() > kMostColumns;
  std::string text =
      fmt::format("### {}\n\n**Verdict**: {}\n\n",
                  markdown_text(report.question.empty() ? report.scenario : report.question),
                  markdown_text(verdict(report)));
  if (!report.cases.empty()) {
    Cases shown;
    for (const std::size_t i : shown_cases(report.cases, kMostRows))
      shown.push_back(&report.cases[i]);
    const std::vector<Row> rows = grid(shown, paths, !sweep);
    text += table(sweep ? rows : transposed(rows)) + "\n";
    if (shown.size() < report.cases.size()) {
      text += fmt::format("The {} best of {} rows; cases.csv has all of them.\n\n", shown.size(),
                          report.cases.size());
    }
  }
  const std::string against = warnings(report, paths);
  if (!against.empty()) text += "**Warnings**\n" + against + "\n";
  if (const std::string doubt = doubt_sentence(report); !doubt.empty()) {
    text += "In brackets: " + markdown_text(doubt) + "\n\n";
  }
  return text + fmt::format("moesim {}, scenario {}, seed {}\n", program_version(),
                            markdown_text(report.scenario), report.seed);
}

}  // namespace moesim
