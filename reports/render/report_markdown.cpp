#include "reports/render/report_markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reports/analysis/ranking.h"
#include "reports/analysis/uncertainty.h"
#include "reports/render/words/case_result.h"
#include "reports/render/words/format.h"
#include "reports/render/words/uncertainty_words.h"
#include "reports/render/words/verdict_words.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostColumns = 6;
constexpr std::size_t kMostRows = 40;
constexpr std::size_t kMostWarnings = 10;

using Row = std::vector<std::string>;
using Cases = std::vector<const CaseReport*>;

// "1.92 USD (1.91 to 1.95 USD)".
std::string with_interval(const CaseReport& report, Metric key) {
  const std::string range = readable_interval(report, key);
  return readable_metric(report, key) + (range.empty() ? "" : " (" + range + ")");
}

// "misses its service level", without the figures, which the warnings have.
std::string result(const CaseReport& report) {
  const std::string why = disqualification_text(report);
  return why.empty() ? "ok" : why.substr(0, why.find(':'));
}

// One row of cells per case under a header; headline metrics that no case has are left out.
std::vector<Row> grid(const Cases& cases, const std::vector<std::string>& paths, bool described) {
  std::vector<Row> rows = {{"case", "result"}};
  for (const CaseReport* report : cases)
    rows.push_back({case_title(*report, paths), result(*report)});
  const auto column = [&](const std::string& heading, const auto& text_of) {
    rows.front().push_back(heading);
    for (std::size_t i = 0; i < cases.size(); ++i) rows[i + 1].push_back(text_of(*cases[i]));
  };
  if (described) {
    column("model", [](const CaseReport& report) { return report.model; });
    column("hardware", [](const CaseReport& report) { return report.hardware; });
    column("layout", [](const CaseReport& report) { return report.layout; });
  }
  for (const Metric key : headline_metrics()) {
    const auto has = [&](const CaseReport* report) { return metric(*report, key).has_value(); };
    if (std::none_of(cases.begin(), cases.end(), has)) continue;
    column(metric_row(key).label, [&](const CaseReport& c) { return with_interval(c, key); });
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
std::string warning(const CaseReport& report) {
  const std::string why = disqualification_text(report);
  if (!why.empty()) return why;
  const auto slo = slo_samples(report);
  if (!slo) return "";
  return fmt::format("meets its service level in {} of {} samples", slo->met, slo->samples);
}

std::string assumed_routing(const std::vector<CaseReport>& cases) {
  std::set<std::string> models;
  for (const CaseReport& report : cases)
    if (report.routing.basis == "assumption") models.insert(report.model);
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
  for (const CaseReport& row : report.cases) {
    const std::string why = warning(row);
    if (why.empty() || ++count > kMostWarnings) continue;
    text +=
        fmt::format("- **{}**: {}\n", markdown_text(case_title(row, paths)), markdown_text(why));
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
                  markdown_text(verdict_text(report)));
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
  if (const std::string sampling = sampling_sentence(report); !sampling.empty()) {
    text += "In brackets: " + markdown_text(sampling) + "\n\n";
  }
  return text + fmt::format("moesim {}, scenario {}, seed {}\n", program_version(),
                            markdown_text(report.scenario), report.seed);
}

}  // namespace moesim
