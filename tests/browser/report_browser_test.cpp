// Opens a written report in a headless Chromium and reads back what a person would see.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "reports/render/html/routing_card_html.h"
#include "reports/render/write_report.h"
#include "tests/reports/examples.h"
#include "tests/reports/made_reports.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    text.append(buffer.data(), n);
  return text;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++found;
  return found;
}

// A report with everything: an infeasible case, a sweep of two settings, names that are markup,
// baselines, a trained router.
Report rich_report() {
  Report report = examples::two_cases();
  report.cases[0] = examples::with_baselines();
  report.cases[0].routing.basis = "assumption";
  report.cases[0].routing.training = {{100, 4.2, 0.6, 5, 1}, {200, 1.1, 0.05, 0, 0.5}};
  const std::vector<CaseReport> pair = report.cases;
  report.cases.clear();
  for (const char* top_k : {"1", "2"}) {
    for (const char* experts : {"8", "16"}) {
      for (CaseReport one : pair) {
        one.point = {{"moe.model.top_k", top_k}, {"moe.model.num_experts", experts}};
        report.cases.push_back(one);
      }
    }
  }
  report.cases[3] =
      make_infeasible_report(examples::deployment("<script>throw 'escaped'</script>", false),
                             examples::memory(), "needs 80 GB of 72 GB", "tp 4 on 4 devices");
  return report;
}

// The page as Chromium has it after the scripts ran.
class Browser : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v chromium > /dev/null") != 0) GTEST_SKIP() << "chromium is missing";
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / ("moesim-browser-" + std::string(info->name()));
    fs::remove_all(folder_);
  }
  void TearDown() override {
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  std::string page(const Report& report, const std::string& options = "") {
    write_report(report, folder_);
    return dom_of("report.html", options);
  }

  std::string dom_of(const std::string& file, const std::string& options = "") {
    return output_of(
        "timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run "
        "--disable-background-networking --virtual-time-budget=3000 --user-data-dir='" +
        (folder_ / "profile").string() + "' " + options + " --dump-dom 'file://" +
        (folder_ / file).string() + "' 2> /dev/null");
  }

  fs::path folder_;
};

TEST_F(Browser, DrawsEveryChartWithoutAnError) {
  const std::string dom = page(rich_report());
  EXPECT_EQ(count(dom, "data-script-error="), 0u);
  EXPECT_EQ(count(dom, "<canvas "), 14u);
  EXPECT_EQ(count(dom, "data-drawn=\"yes\""), 14u);
}

TEST_F(Browser, DrawsEveryChartInTheDark) {
  const std::string dom = page(rich_report(), "--blink-settings=preferredColorScheme=0");
  EXPECT_EQ(count(dom, "data-script-error="), 0u);
  EXPECT_EQ(count(dom, "data-drawn=\"yes\""), 14u);
}

TEST_F(Browser, HasNoErrorWhereThereIsNothingToDraw) {
  const std::string dom = page(Report{});
  EXPECT_NE(dom.find("nothing to compare"), std::string::npos);
  EXPECT_EQ(count(dom, "data-script-error="), 0u);
}

TEST_F(Browser, ShowsTheNumbersOfTheJsonFile) {
  const std::string dom = page(rich_report());
  const auto json = nlohmann::json::parse(std::ifstream(folder_ / "report.json"));
  const std::regex cell(
      "data-case=\"([0-9]+)\" data-metric=\"([a-z0-9_]+)\" data-value=\"([^\"]*)\"");
  std::size_t cells = 0;
  for (std::sregex_iterator it(dom.begin(), dom.end(), cell), end; it != end; ++it, ++cells) {
    const auto& metrics = json["cases"][std::stoul((*it)[1])]["metrics"];
    EXPECT_EQ(std::stod((*it)[3]), metrics[(*it)[2].str()].get<double>()) << (*it)[2];
  }
  EXPECT_GT(cells, 8u * 50);
}

TEST_F(Browser, ShowsWhatTheRouterDid) {
  Report report = rich_report();
  report.cases.resize(1);
  const std::string dom = page(report);
  const auto json = nlohmann::json::parse(std::ifstream(folder_ / "report.json"));
  EXPECT_EQ(count(dom, "<span class=\"basis unsure\""), 1u);
  EXPECT_EQ(count(dom, "<table class=\"heat traffic\""), 1u);
  const auto& layer = json["cases"][0]["routing"]["layers"][0];
  const std::regex stat("data-stat=\"([a-z_]+)\" data-value=\"([^\"]*)\"");
  std::size_t cells = 0;
  for (std::sregex_iterator it(dom.begin(), dom.end(), stat), end; it != end; ++it, ++cells)
    EXPECT_EQ(std::stod((*it)[2]), layer[(*it)[1].str()].get<double>()) << (*it)[1];
  EXPECT_EQ(cells, 5u);
}

TEST_F(Browser, ShowsTheBaselinesOfTheJsonFile) {
  Report report = rich_report();
  report.cases.resize(1);
  const std::string dom = page(report);
  const auto json = nlohmann::json::parse(std::ifstream(folder_ / "report.json"));
  const auto& one = json["cases"][0];
  const auto& balanced = one["baselines"][0]["metrics"];
  const std::regex cell(
      "data-baseline=\"moe \\(balanced routing\\)\" data-metric=\"([a-z0-9_]+)\" "
      "data-value=\"([^\"]*)\">[^<]*<small data-change=\"([^\"]*)\"");
  std::size_t cells = 0;
  for (std::sregex_iterator it(dom.begin(), dom.end(), cell), end; it != end; ++it, ++cells) {
    const double own = one["metrics"][(*it)[1].str()], other = balanced[(*it)[1].str()];
    EXPECT_EQ(std::stod((*it)[2]), other) << (*it)[1];
    EXPECT_NEAR(std::stod((*it)[3]), other / own - 1, 1e-12) << (*it)[1];
  }
  EXPECT_GT(cells, 5u);
}

// Points drawn, points tabulated and the values of report.json are the same; the front is that of
// the answers.
TEST_F(Browser, DrawsThePointsOfTheJsonFileOverWhatTheyCost) {
  const std::string dom = page(rich_report());
  const auto json = nlohmann::json::parse(std::ifstream(folder_ / "report.json"));
  const std::regex cell(
      "data-point=\"([0-9]+)\" data-objective=\"([a-z0-9_]+)\" data-value=\"([^\"]*)\"");
  std::set<std::size_t> rows;
  std::size_t cells = 0;
  for (std::sregex_iterator it(dom.begin(), dom.end(), cell), end; it != end; ++it, ++cells) {
    rows.insert(std::stoul((*it)[1]));
    if ((*it)[2] == "predicted_loss_nats") continue;  // Extrapolated: the metric has no value.
    const auto& metrics = json["cases"][std::stoul((*it)[1])]["metrics"];
    EXPECT_EQ(std::stod((*it)[3]), metrics[(*it)[2].str()].get<double>()) << (*it)[2];
  }
  EXPECT_EQ(rows.size(), 7u);  // The eighth cannot run.
  EXPECT_EQ(cells % 7, 0u);
  EXPECT_GE(cells, 4u * 7);
  EXPECT_NE(dom.find("data-points=\"7\""), std::string::npos);
  const std::string open = "id=\"chart-data\">";
  const std::size_t begin = dom.find(open) + open.size();
  const auto data = nlohmann::json::parse(dom.substr(begin, dom.find("</script>", begin) - begin));
  std::set<std::size_t> front, members;
  for (const auto& point : data["scatter"]["points"]) {
    if (point["front"]) front.insert(point["row"].get<std::size_t>());
    for (std::size_t a = 0; a < data["scatter"]["axes"].size(); ++a) {
      const std::string key = data["scatter"]["axes"][a]["key"];
      if (key == "predicted_loss_nats") continue;
      EXPECT_EQ(point["values"][a], json["cases"][point["row"].get<std::size_t>()]["metrics"][key]);
    }
  }
  for (const auto& member : json["answers"]["pareto"]["members"]) {
    members.insert(member["row"].get<std::size_t>());
  }
  EXPECT_EQ(front, members);
  EXPECT_NE(dom.find("<select id=\"choice-pareto\""), std::string::npos);
}

// In frames as wide as phones: a window of the headless browser is never narrower than 500 px.
TEST_F(Browser, FitsAPhone) {
  Report report = rich_report();
  for (std::size_t i = 0; i < report.cases.size(); ++i) {  // Costs that span decades.
    made::set(report.cases[i], Metric::kCostPerMillionOutputTokens, std::pow(3.0, i));
  }
  write_report(report, folder_);
  for (const char* width : {"390", "320"}) {
    std::ofstream(folder_ / "frame.html")
        << "<iframe id=\"f\" src=\"report.html\" style=\"border:0;height:800px;width:" << width
        << "px\"></iframe><p id=\"out\"></p><script>addEventListener('load', () => setTimeout(() "
           "=> "
           "{const d = document.getElementById('f').contentDocument;"
           "const names = d.querySelector('.sweep tbody th');"
           "document.getElementById('out').textContent = 'page ' + d.documentElement.scrollWidth + "
           "', choice ' + Math.round(d.getElementById('choice-pareto').offsetHeight) + ', names ' "
           "+ "
           "getComputedStyle(names).position;}, 1000));</script>";
    const std::string dom =
        dom_of("frame.html", "--allow-file-access-from-files --hide-scrollbars");
    EXPECT_NE(dom.find(std::string(">page ") + width + ", choice 44, names sticky<"),
              std::string::npos)
        << dom;
  }
}

// The page of `moesim route`, by itself.
TEST_F(Browser, DrawsTheRoutersPageWithItsTrainingWithoutAnError) {
  Deployment deployment = examples::deployment("moe", true);
  deployment.plan = {.attention_dp = 2, .ep = 2};
  RoutingBank bank = examples::bank();
  bank.training = {{100, 4.2, 0.6, 5, 1}, {200, 1.1, 0.05, 0, 0.5}};
  const RoutingCard card = make_routing_card(deployment, bank);
  fs::create_directories(folder_);
  std::ofstream(folder_ / "report.html") << routing_card_html(card);
  const std::string dom = dom_of("report.html");
  EXPECT_EQ(count(dom, "data-script-error="), 0u);
  EXPECT_EQ(count(dom, "data-drawn=\"yes\""), 2u);
  EXPECT_EQ(count(dom, "<table class=\"heat"), 3u);
}

}  // namespace
}  // namespace moesim
