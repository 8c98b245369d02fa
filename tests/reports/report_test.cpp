#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/input_error.h"
#include "reports/render/html/html.h"
#include "reports/render/html/report_html.h"
#include "reports/render/json/report_json.h"
#include "reports/render/report_csv.h"
#include "reports/render/text/report_text.h"
#include "reports/render/write_report.h"
#include "tests/reports/examples.h"
#include "tests/reports/made_reports.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;
using examples::two_cases;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A folder of its own for each test, removed afterwards.
class WriteReport : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / ("moesim-" + std::string(info->name()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST(ReportJson, HasEveryMetricOfEveryCaseAndNoOther) {
  const nlohmann::ordered_json json = report_json(two_cases());
  ASSERT_EQ(json["cases"].size(), 2u);
  for (const auto& one : json["cases"]) {
    EXPECT_EQ(one["metrics"].size(), metric_table().size());
    for (const auto& [key, value] : one["metrics"].items())
      EXPECT_TRUE(json["context"]["metrics"].contains(key)) << key;
  }
  EXPECT_TRUE(json["cases"][1]["metrics"]["expert_load_gini"].is_null());
}

TEST(ReportJson, SaysEnoughToRunItAgain) {
  const nlohmann::ordered_json context = report_json(two_cases())["context"];
  EXPECT_EQ(context["seed"], 7);
  EXPECT_EQ(context["resolved_scenario"], "schema: 1\nname: two-cases\n");
  EXPECT_EQ(context["version"], program_version());
}

TEST(ReportJson, ListsAFactOnceHoweverManyCasesUseIt) {
  const nlohmann::ordered_json provenance = report_json(two_cases())["context"]["provenance"];
  EXPECT_EQ(provenance["facts"].size(), 1u + 3u);  // Three of predicted quality.
  EXPECT_EQ(provenance["facts_by_confidence"]["data-sheet"], 1);
}

TEST(ReportJson, LeavesExpertLoadsOutOfLargeSweeps) {
  Report report = two_cases();
  EXPECT_TRUE(report_json(report)["cases"][0]["routing"].contains("expert_load"));
  report.cases.resize(kMostDetailedCases + 1, report.cases[0]);
  EXPECT_FALSE(report_json(report)["cases"][0]["routing"].contains("expert_load"));
}

TEST(ReportCsv, QuotesByRfc4180) {
  Report report = two_cases();
  report.cases[0].name = "a, \"b\"\nc";
  EXPECT_TRUE(contains(report_csv(report), "\n\"a, \"\"b\"\"\nc\",done,"));
}

// Names are text for a spreadsheet, never formulas; numbers stay numbers.
TEST(ReportCsv, HoldsNoFormula) {
  for (const std::string name : {"=1+1", "+a", "-a", "@a", "\ta"}) {
    Report report = two_cases();
    report.cases[0].name = name;
    report.cases[0].point = {{name + ".model.top_k", "-2.5"}};
    const std::string csv = report_csv(report);
    EXPECT_TRUE(csv.starts_with("'" + name + ".model.top_k,name,")) << csv.substr(0, 80);
    EXPECT_TRUE(contains(csv, "\n-2.5,'" + name + ",done,")) << name;
  }
}

TEST(ReportCsv, PutsSweepSettingsFirst) {
  Report report = two_cases();
  report.cases[1].point = {{"moe.model.top_k", "2"}};
  const std::string csv = report_csv(report);
  EXPECT_TRUE(csv.starts_with("moe.model.top_k,name,status,"));
  EXPECT_TRUE(contains(csv, "\n,moe,done,"));
  EXPECT_TRUE(contains(csv, "\n2,dense,done,"));
}

TEST(ReportCsv, HasOneRowACaseAndOneColumnAMetric) {
  std::istringstream lines(report_csv(two_cases()));
  std::string header, row;
  std::getline(lines, header);
  std::size_t rows = 0;
  while (std::getline(lines, row)) ++rows;
  EXPECT_EQ(rows, 2u);
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), 10 + metric_table().size());
}

TEST(ReportText, ShowsCasesSideBySideAndTheVerdict) {
  const std::string text = report_text(two_cases(), 100);
  EXPECT_TRUE(text.starts_with("Is the MoE cheaper than the dense model?\n"));
  EXPECT_TRUE(contains(text, "2.00 USD")) << text;
  EXPECT_TRUE(contains(text, "4.00 USD")) << text;
  EXPECT_TRUE(contains(text, "moe costs 2.00 USD per million output tokens")) << text;
}

TEST(ReportText, ShowsWhyACaseCannotRunAndWhatWouldFit) {
  Report report = two_cases();
  report.cases[1] = make_infeasible_report(examples::deployment("dense", false), examples::memory(),
                                           "too large", "tp 4");
  const std::string text = report_text(report, 80);
  EXPECT_TRUE(contains(text, "would fit: tp 4")) << text;
}

TEST(ReportText, LetsNoControlCharacterReachTheTerminal) {
  Report report = two_cases();
  report.question = report.cases[0].name = report.cases[0].model = "\x1b]0;title\x07";
  EXPECT_FALSE(contains(report_text(report, 80), "\x1b"));
}

TEST(ReportText, OfASweepHasARowAPoint) {
  Report report = two_cases();
  report.cases[0].point = {{"moe.model.top_k", "2"}};
  EXPECT_TRUE(contains(report_text(report, 120), "\nmoe (top_k 2) ")) << report_text(report, 120);
}

TEST(ReportText, OfASweepMarksWhatCannotBeRecommendedAndSaysWhy) {
  Report report = two_cases();
  report.cases[0].point = {{"moe.model.top_k", "2"}};
  EXPECT_FALSE(contains(report_text(report, 120), "[a]"));
  made::set(report.cases[1], Metric::kSloMet, 0);
  made::set(report.cases[1], Metric::kSloTpotP99, 0.03);
  report.cases.push_back(report.cases[0]);
  report.cases[2].point[0].second = "4";
  made::set(report.cases[2], Metric::kSaturated, 1);
  for (const int width : {80, 160}) {
    const std::string text = report_text(report, width);
    EXPECT_TRUE(contains(text, "\ndense [a] ")) << text;
    EXPECT_TRUE(contains(text, "\nmoe (top_k 2)  ")) << text;
    EXPECT_TRUE(contains(text, "\nmoe (top_k 4) [b] ")) << text;
    EXPECT_TRUE(contains(text,
                         "\n[a] Cannot be recommended: misses its service level (TPOT P99 at most "
                         "30.0 ms).\n"))
        << text;
    EXPECT_TRUE(contains(text, "\n[b] Cannot be recommended: is saturated.\n")) << text;
  }
}

TEST(ReportText, OfASweepMarksWhatMeetsItsServiceLevelInSomeSamplesOnly) {
  Report report = two_cases();
  report.cases[0].point = {{"moe.model.top_k", "2"}};
  CaseReport& dense = report.cases[1];
  made::set(dense, Metric::kSloTpotP99, 0.03);
  made::set(dense, Metric::kSloMet, 0);
  const CaseMetrics missed = dense.metrics;
  made::set(dense, Metric::kSloMet, 1);
  dense.samples.assign(10, dense.metrics);
  dense.samples[3] = missed;
  const std::string text = report_text(report, 120);
  EXPECT_TRUE(contains(text, "\ndense [a] ")) << text;
  EXPECT_TRUE(contains(text, "[a] Meets its service level, but not in every Monte Carlo sample"))
      << text;
}

TEST(ReportText, OfASweepShowsIntervalsBelowTheHeadlineFigures) {
  Report report = two_cases();
  report.cases[0].point = {{"moe.model.top_k", "2"}};
  EXPECT_FALSE(contains(report_text(report, 120), "P10 to P90"));
  CaseReport& moe = report.cases[0];
  moe.samples.assign(10, moe.metrics);
  CaseReport dear = moe;
  made::set(dear, Metric::kCostPerMillionOutputTokens, 3);
  for (std::size_t i = 5; i < 10; ++i) moe.samples[i] = dear.metrics;
  const std::string text = report_text(report, 120);
  EXPECT_TRUE(contains(text, "\nP10 to P90      2.00 to 3.00  ")) << text;
  EXPECT_FALSE(contains(text, "2.00 to 3.00 USD  ")) << text;
}

// Two points of one case that differ in where they stand.
TEST(ReportText, OfASweepOverSitesSaysCarbonAndElectricityAndNamesThePoints) {
  Report report = two_cases();
  report.cases[1] = report.cases[0];
  const char* sites[] = {"sweden", "poland"};
  for (std::size_t i = 0; i < 2; ++i) {
    CaseReport& one = report.cases[i];
    one.point = {{"site", sites[i]}};
    made::set(one, Metric::kCarbonPerMillionOutputTokens, 0.25);
    one.network.decode_steps.phases.at(static_cast<std::size_t>(Phase::kDispatch)) = Seconds(1);
    one.network.decode_steps.total = Seconds(4);
  }
  const std::string text = report_text(report, 100);
  EXPECT_TRUE(contains(text, "carbon/M output")) << text;
  EXPECT_TRUE(contains(text, "\nmoe (site sweden): communication takes")) << text;
  report.cases[0].point[0].first = report.cases[1].point[0].first = "seed";
  EXPECT_FALSE(contains(report_text(report, 100), "carbon/M output"));
}

TEST(ReportHtml, KeepsMarkupInNamesAsText) {
  Report report = two_cases();
  const std::string evil = "<script>alert('x')</script>\"&";
  report.question = report.scenario = report.resolved = evil;
  for (CaseReport& one : report.cases) {
    one.name = one.model = one.hardware = one.layout = one.routing.provenance = evil;
    one.baselines = {one};
    one.point = {{evil, evil}};
    one.facts = {{evil, evil, evil, evil, Enters::kTime}};
  }
  report.cases.push_back(
      make_infeasible_report(examples::deployment(evil, false), examples::memory(), evil, evil));
  const std::string html = report_html(report);
  EXPECT_FALSE(contains(html, "<script>alert"));
  EXPECT_FALSE(contains(html, "\"\"&"));
  EXPECT_TRUE(contains(html, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"));
}

TEST(ReportHtml, LoadsNothingFromOutside) {
  const std::string html = report_html(two_cases());
  for (const char* part : {"src=", "<link", "@import", "url("})
    EXPECT_FALSE(contains(html.substr(0, html.find("Chart.js v")), part)) << part;
  EXPECT_TRUE(contains(html, "default-src 'none'"));
}

TEST(ReportHtml, FillsEverySlotAndNoneTwice) {
  EXPECT_EQ(fill_slots("a {{x}} b", {{"x", "{{y}}"}}), "a {{y}} b");
  EXPECT_THROW(fill_slots("{{z}}", {}), std::logic_error);
}

TEST(ReportHtml, ShowsReportsOfEveryKind) {
  Report report;
  EXPECT_TRUE(contains(report_html(report), "nothing to compare"));
  report.cases = {
      make_infeasible_report(examples::deployment("a", false), examples::memory(), "r", "f")};
  EXPECT_TRUE(contains(report_html(report), "cannot run"));
}

TEST(ReportHtml, BinsLargeExpertMapsAndKeepsTheHottest) {
  Report report = two_cases();
  report.cases[0].routing.load.assign(100, std::vector<double>(256, 1.0));
  report.cases[0].routing.load[99][255] = 7.5;
  const std::string html = report_html(report);
  const std::string map = html.substr(html.find("class=\"heat\""));
  const std::string table = map.substr(0, map.find("</table>"));
  std::size_t cells = 0;
  for (std::size_t at = 0; (at = table.find("<td", at)) != std::string::npos; ++at) ++cells;
  EXPECT_EQ(cells, 50u * 32u);
  EXPECT_TRUE(contains(table, ">7.5<"));
}

TEST_F(WriteReport, GivesTheSameBytesEachTime) {
  write_report(two_cases(), folder_ / "one");
  write_report(two_cases(), folder_ / "two");
  for (const char* name : {"report.json", "cases.csv", "report.html"}) {
    EXPECT_FALSE(text_of(folder_ / "one" / name).empty()) << name;
    EXPECT_EQ(text_of(folder_ / "one" / name), text_of(folder_ / "two" / name)) << name;
  }
}

TEST_F(WriteReport, LeavesThreeFilesAndNothingElse) {
  write_report(two_cases(), folder_);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 3);
}

TEST_F(WriteReport, RefusesAFolderThatCannotBe) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "file") << "in the way";
  EXPECT_THROW(write_report(two_cases(), folder_ / "file" / "out"), InputError);
  EXPECT_THROW(write_report(two_cases(), folder_ / "file"), InputError);
}

TEST_F(WriteReport, LeavesNoTemporaryFileWhenItFails) {
  fs::create_directories(folder_ / "report.json" / "in the way");
  EXPECT_THROW(write_report(two_cases(), folder_), InputError);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(WriteReport, WritesNumbersThatReadBackExactly) {
  const Report report = two_cases();
  write_report(report, folder_);
  const auto json = nlohmann::ordered_json::parse(text_of(folder_ / "report.json"));
  for (std::size_t i = 0; i < report.cases.size(); ++i) {
    for (const MetricRow& entry : metric_table()) {
      const auto& written = json["cases"][i]["metrics"][entry.key];
      const std::optional<double> read =
          written.is_null() ? std::nullopt : std::optional<double>(written.get<double>());
      EXPECT_EQ(read, metric(report.cases[i], entry.metric)) << entry.key;
    }
  }
}

}  // namespace
}  // namespace moesim
