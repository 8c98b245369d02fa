#include "scenarios/cli/commands/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/document.h"
#include "reports/render/json/explanation_json.h"
#include "reports/render/text/explanation_text.h"
#include "reports/render/words/case_result.h"
#include "reports/results/read_report.h"
#include "reports/results/sweep_point.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/run/progress_bar.h"
#include "scenarios/run/run.h"

namespace moesim {
namespace {

constexpr int kWidth = 100;
constexpr std::size_t kMostListed = 20;

// Cases and their twins with other routing, which can be named like any case.
std::vector<const CaseReport*> all_of(const std::vector<CaseReport>& cases) {
  std::vector<const CaseReport*> all;
  for (const CaseReport& one : cases) {
    all.push_back(&one);
    for (const CaseReport& twin : one.baselines) all.push_back(&twin);
  }
  return all;
}

std::string list_of(const std::vector<std::string>& titles) {
  std::string text;
  for (std::size_t i = 0; i < std::min(titles.size(), kMostListed); ++i)
    text += (i == 0 ? "" : ", ") + ("\"" + titles[i] + "\"");
  return titles.size() > kMostListed ? text + ", ..." : text;
}

// The place of a case: by its title ("moe (top_k 4)"), or by its name where no other has it.
// Throws: InputError with the titles that there are.
std::size_t place_of(const std::string& given, const std::vector<std::string>& names,
                     const std::vector<std::string>& titles, const std::string& file) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < titles.size(); ++i)
    if (titles[i] == given) return i;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == given) found.push_back(i);
  if (found.size() == 1) return found.front();
  std::vector<std::string> meant;
  for (const std::size_t i : found) meant.push_back(titles[i]);
  throw InputError({{file, 0, "", given,
                     found.empty() ? "a case expected: " + list_of(titles)
                                   : "one point of the sweep expected: " + list_of(meant)}});
}

struct Chosen {
  CaseReport a, b;
  std::string title_a, title_b;
};

Chosen from_report(const ExplainArguments& arguments) {
  const std::vector<CaseReport> cases = read_report(read_file(arguments.file), arguments.file);
  const std::vector<std::string> paths = swept_paths(cases);
  std::vector<std::string> names, titles;
  const std::vector<const CaseReport*> all = all_of(cases);
  for (const CaseReport* one : all) {
    names.push_back(one->name);
    titles.push_back(case_title(*one, paths));
  }
  const std::size_t a = place_of(arguments.a, names, titles, arguments.file);
  const std::size_t b = place_of(arguments.b, names, titles, arguments.file);
  return {*all[a], *all[b], titles[a], titles[b]};
}

// Simulates the two alone.
Chosen from_scenario(const ExplainArguments& arguments) {
  Scenario scenario = read_scenario(arguments.file, settings_of(arguments.changes));
  std::vector<CaseReport> labels;
  for (const Case& one : scenario.cases) {
    labels.push_back({});
    labels.back().name = one.name;
    labels.back().point = one.point;
  }
  const std::vector<std::string> paths = swept_paths(labels);
  std::vector<std::string> names, titles;
  for (const CaseReport& label : labels) {
    names.push_back(label.name);
    titles.push_back(case_title(label, paths));
  }
  const std::size_t a = place_of(arguments.a, names, titles, arguments.file);
  const std::size_t b = place_of(arguments.b, names, titles, arguments.file);
  const std::vector<Case> all = std::move(scenario.cases);
  scenario.cases = {all[a], all[b]};
  for (Case& one : scenario.cases) {  // Each stands for itself.
    one.baseline_of.clear();
    one.twin_of.clear();
    one.key.clear();
  }
  scenario.rows.assign(scenario.cases.begin(), scenario.cases.end());
  RunOptions options;
  options.jobs = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 2u));
  ProgressBar bar;
  options.progress = [&](const RunProgress& progress) { bar.update(progress); };
  Report report = run(scenario, options);
  return {std::move(report.cases[0]), std::move(report.cases[1]), titles[a], titles[b]};
}

void refuse_unexplained(const Chosen& chosen, const std::string& file) {
  Faults faults;
  for (const auto& [report, title] :
       {std::pair{&chosen.a, chosen.title_a}, {&chosen.b, chosen.title_b}}) {
    if (can_explain(*report, *report)) continue;
    faults.add({file, 0, "", title,
                "a case that ran expected: this one " + disqualification_text(*report)});
  }
  faults.throw_if_any();
}

}  // namespace

int explain_command(const ExplainArguments& arguments) {
  const Chosen chosen =
      arguments.file.ends_with(".json") ? from_report(arguments) : from_scenario(arguments);
  refuse_unexplained(chosen, arguments.file);
  const Explanation cost = explain_cost(chosen.a, chosen.b);
  const Explanation time = explain_time(chosen.a, chosen.b);
  if (arguments.json) {
    const nlohmann::ordered_json json = {{"a", chosen.title_a},
                                         {"b", chosen.title_b},
                                         {"cost", explanation_json(cost)},
                                         {"time", explanation_json(time)}};
    std::cout << json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
    return kExitDone;
  }
  std::cout << explanation_text(chosen.title_a, chosen.title_b, cost, kWidth) << "\n"
            << explanation_text(chosen.title_a, chosen.title_b, time, kWidth);
  return kExitDone;
}

}  // namespace moesim
