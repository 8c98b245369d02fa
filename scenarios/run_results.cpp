#include "scenarios/run_results.h"

#include <fmt/format.h>

#include <set>

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// Of larger sweeps curves and matrices would be most of the database.
constexpr std::size_t kMostKeptDetails = 1000;

// Everything as stated first. Twins with other routing are compared with their case draw by draw
// nowhere, so they are not drawn.
std::vector<Job> jobs_of(const Scenario& scenario, const RunOptions& options) {
  std::vector<Job> jobs;
  const bool details = scenario.cases.size() <= kMostKeptDetails;
  for (std::int64_t draw = 0; draw <= options.draws; ++draw) {
    std::int64_t twin = 0;
    for (std::size_t i = 0; i < scenario.cases.size(); ++i) {
      const Case& one = scenario.cases[i];
      const bool is_twin = !one.baseline_of.empty() || !one.twin_of.empty();
      twin = is_twin ? twin + 1 : 0;
      const bool is_ours = one.row % options.shard.of == options.shard.index - 1;
      if (!is_ours || (draw > 0 && !one.baseline_of.empty())) continue;
      jobs.push_back({i, one.row, twin, draw, draw > 0 ? options.draws : 0, details});
    }
  }
  return jobs;
}

// Puts every baseline into the case before it, which it belongs to.
std::vector<CaseReport> with_baselines(std::vector<CaseReport> all,
                                       const std::vector<Case>& cases) {
  std::vector<CaseReport> own;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].point = cases[i].point;
    all[i].twin_of = cases[i].twin_of;
    all[i].twin_match = cases[i].twin_match;
    const bool is_twin = !cases[i].baseline_of.empty();
    (is_twin ? own.back().baselines : own).push_back(std::move(all[i]));
  }
  return own;
}

// Sweeps share few lists of facts, which would be most of the memory of large ones.
void drop_repeated_facts(std::vector<CaseReport>& reports) {
  std::set<std::string> seen;
  for (CaseReport& report : reports) {
    std::string text;
    for (const Fact& fact : report.facts) text += fact.path + fact.text + fact.source + "\n";
    if (!seen.insert(text).second) report.facts = {};
  }
}

}  // namespace

RunResults::RunResults(const Scenario& scenario, const RunOptions& options)
    : scenario_(scenario),
      options_(options),
      jobs_(jobs_of(scenario, options)),
      plan_{
          scenario, {}, options.draws, fmt::format("{}/{}", options.shard.index, options.shard.of)},
      draws_(scenario.cases.size()) {
  for (const Case& one : scenario.cases) {
    reports_.push_back(report_without_run(one, CaseStatus::kSkipped, "interrupted"));
  }
  for (auto& of_case : draws_) of_case.resize(static_cast<std::size_t>(options.draws));
  for (const Job& job : jobs_) {
    if (job.draw == 0) plan_.cases.push_back(job.one);
  }
}

std::string RunResults::key_of(const Job& job) const {
  const std::string& key = scenario_.cases[job.one].key;
  if (key.empty()) return key;
  if (job.draw > 0) return fmt::format("{}:{}/{}", key, job.draw, job.draws);
  return job.details ? key : key + ":brief";
}

void RunResults::enter(const Job& job, const Json& result) {
  if (job.draw == 0) {
    reports_[job.one] = case_report_from_json(result);
  } else {
    draws_[job.one][static_cast<std::size_t>(job.draw - 1)] = case_metrics_from_json(result);
  }
}

std::vector<Job> RunResults::recall() {
  std::vector<Job> missing;
  for (const Job& job : jobs_) {
    const std::string key = key_of(job);
    const auto known = options_.database != nullptr ? options_.database->result(key) : std::nullopt;
    if (known) {
      enter(job, *known);
      ++recalled_;
    } else {
      std::vector<Job>& same = same_[key];
      if (same.empty() || key.empty()) missing.push_back(job);
      same.push_back(job);
    }
  }
  if (options_.database != nullptr) {
    options_.database->start(plan_, [&](std::size_t one) -> const CaseReport* {
      return reports_[one].status == CaseStatus::kSkipped ? nullptr : &reports_[one];
    });
  }
  return missing;
}

void RunResults::deliver(const Job& job, const std::string& text) {
  const std::string key = key_of(job);
  Json result = Json::parse(text);
  if (key.empty()) return enter(job, result);
  std::vector<std::size_t> shown;
  for (const Job& same : same_[key]) {
    enter(same, result);
    if (same.draw == 0) shown.push_back(same.one);
  }
  if (options_.database != nullptr) {
    options_.database->keep(key, std::move(result), shown, reports_[job.one]);
  }
}

Report RunResults::report(bool interrupted) {
  const auto is_there = [&](std::size_t one) -> const CaseReport* { return &reports_[one]; };
  if (options_.database != nullptr && !interrupted) options_.database->finish(is_there);
  Report report;
  report.scenario = scenario_.name;
  report.question = scenario_.question;
  report.seed = scenario_.seed;
  report.resolved = scenario_.resolved;
  report.interrupted = interrupted;
  report.demand = scenario_.demand;
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    if (reports_[i].status == CaseStatus::kDone) reports_[i].draws = std::move(draws_[i]);
  }
  if (reports_.size() > kMostKeptDetails) drop_repeated_facts(reports_);
  report.cases = with_baselines(std::move(reports_), scenario_.cases);
  return report;
}

}  // namespace moesim
