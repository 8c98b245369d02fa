#include "reports/render/report_markdown.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reports/analysis/uncertainty.h"
#include "reports/render/json/report_json.h"
#include "reports/render/words/format.h"
#include "tests/reports/examples.h"

namespace moesim {
namespace {

using examples::two_cases;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// The cells of the table's rows by the text of their first one.
std::map<std::string, std::vector<std::string>> rows_of(const std::string& markdown) {
  std::map<std::string, std::vector<std::string>> rows;
  std::istringstream lines(markdown);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ")) continue;
    std::vector<std::string> cells;
    for (std::size_t from = 2, to; (to = line.find(" |", from)) != std::string::npos; from = to + 3)
      cells.push_back(line.substr(from, to - from));
    rows[cells.front()] = {cells.begin() + 1, cells.end()};
  }
  return rows;
}

// Ten samples of everything, from 1 to 1.9 times the stated values.
Report with_samples() {
  Report report = two_cases();
  for (CaseReport& one : report.cases) {
    for (int i = 0; i < 10; ++i) {
      CaseMetrics sample = one.metrics;
      for (auto& value : sample)
        if (value) *value *= 1 + 0.1 * i;
      one.samples.push_back(sample);
    }
  }
  return report;
}

TEST(ReportMarkdown, ShowsTheNumbersOfReportJson) {
  const Report report = with_samples();
  const auto json = report_json(report);
  const auto rows = rows_of(report_markdown(report));
  for (const Metric key : headline_metrics()) {
    const MetricRow& entry = metric_row(key);
    ASSERT_TRUE(rows.contains(entry.label)) << entry.label;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& one = json["cases"][i];
      const std::string& cell = rows.at(entry.label).at(i);
      EXPECT_TRUE(cell.starts_with(readable(one["metrics"][entry.key], entry.unit) + " (")) << cell;
      const auto& range = one["doubt"]["p10_p90"][entry.key];
      EXPECT_TRUE(contains(cell, "to " + readable(range[1], entry.unit))) << cell;
      const std::string low = readable(range[0], entry.unit);
      EXPECT_TRUE(contains(cell, "(" + low.substr(0, low.find(' ')))) << cell;
    }
  }
}

TEST(ReportMarkdown, SaysQuestionVerdictAndUncertainty) {
  const std::string text = report_markdown(with_samples());
  EXPECT_TRUE(text.starts_with("### Is the MoE cheaper than the dense model?\n")) << text;
  EXPECT_TRUE(contains(text, "**Verdict**: moe costs 2.00 USD per million output tokens")) << text;
  EXPECT_TRUE(contains(text, "In brackets: P10 to P90 is over 10 Monte Carlo samples")) << text;
  EXPECT_FALSE(contains(text, "Warnings")) << text;
}

TEST(ReportMarkdown, WarnsOfCasesThatCannotBeRecommended) {
  Report report = two_cases();
  report.interrupted = true;
  report.cases[1] = make_infeasible_report(examples::deployment("dense", false), examples::memory(),
                                           "too large", "tp 4");
  const std::string text = report_markdown(report);
  EXPECT_TRUE(contains(text, "- **dense**: cannot run: too large; would fit: tp 4\n")) << text;
  EXPECT_TRUE(contains(text, "- **interrupted**")) << text;
  EXPECT_EQ(rows_of(text).at("result"), (std::vector<std::string>{"ok", "cannot run"}));
}

TEST(ReportMarkdown, OfASweepHasARowAPointAndStaysShort) {
  Report report = two_cases();
  report.cases.resize(1);
  report.cases[0].point = {{"moe.model.top_k", "2"}};
  EXPECT_TRUE(rows_of(report_markdown(report)).contains("moe (top\\_k 2)"));
  CaseReport skipped = report.cases[0];
  skipped.status = CaseStatus::kSkipped;
  report.cases.resize(2000, skipped);
  const std::string text = report_markdown(report);
  EXPECT_TRUE(contains(text, "The 40 best of 2000 rows")) << text;
  EXPECT_TRUE(contains(text, "- and 1989 rows more")) << text;
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 80);
}

TEST(ReportMarkdown, TextOfFilesStaysText) {
  EXPECT_EQ(markdown_text("<script>"), "&#60;script&#62;");
  EXPECT_EQ(markdown_text("a|b\\|`c`\n_d_"), "a&#124;b&#92;&#124;&#96;c&#96; \\_d\\_");
  const std::string evil = "<script>|`x`|[a](b)\n# **c**";
  Report report = two_cases();
  report.question = report.scenario = evil;
  for (CaseReport& one : report.cases) {
    one.name = one.model = one.hardware = one.layout = evil;
    one.routing.basis = "assumption";
    one.reason = one.remedy = evil;
  }
  report.cases[1].status = CaseStatus::kInfeasible;
  const std::string text = report_markdown(report);
  for (const char* part : {"<", "`", "[a](", "\n# "}) {
    EXPECT_FALSE(contains(text, part)) << part << "\n" << text;
  }
  // As many cells in every row as in the plain report's.
  for (const auto& [label, cells] : rows_of(text)) EXPECT_EQ(cells.size(), 2u) << label;
}

}  // namespace
}  // namespace moesim
