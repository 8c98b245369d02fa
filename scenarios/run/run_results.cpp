#include "scenarios/run/run_results.h"

#include <fmt/format.h>

#include <set>

#include "base/input_error.h"
#include "reports/results/case_report_json.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// With more rows, the report of an interrupted run leaves out skipped rows: a million of them would
// be useless and fill the memory.
constexpr std::int64_t kMostSkippedRows = kMostUnaskedPoints;

// All cases as stated come first, then the samples. Baselines with other routing are not sampled,
// because no analysis compares their samples.
std::vector<Job> jobs_of(const Scenario& scenario, const RunOptions& options) {
  std::vector<Job> jobs;
  const bool details = std::ssize(scenario.rows) <= kMostWholePoints;
  for (std::int64_t sample = 0; sample <= options.samples; ++sample) {
    for (std::size_t i = 0; i < scenario.rows.size(); ++i) {
      const CaseRow& row = scenario.rows[i];
      const bool is_ours = row.row % options.shard.of == options.shard.index - 1;
      if (!is_ours || (sample > 0 && !row.baseline_of.empty())) continue;
      jobs.push_back({.index = i,
                      .row = row.row,
                      .twin = row.twin,
                      .sample = sample,
                      .samples = sample > 0 ? options.samples : 0,
                      .details = details});
    }
  }
  return jobs;
}

// Each takes some 60 kB while reports are written (measured), together 6 GB.
constexpr std::size_t kMostReportedRows = 100'000;

using FactsSeen = std::set<std::string>;

// A sweep has few different lists of facts; repeated, they would be most of the memory of a large
// one.
void drop_repeated_facts(CaseReport& report, FactsSeen& seen) {
  std::string text;
  for (const Fact& fact : report.facts) text += fact.path + fact.text + fact.source + "\n";
  if (!seen.insert(text).second) report.facts = {};
}

bool tells_failure(const Json& result) {
  const auto status = result.find("status");
  return status != result.end() && *status == status_name(CaseStatus::kFailed);
}

}  // namespace

RunResults::RunResults(const Scenario& scenario, const RunOptions& options)
    : scenario_(scenario),
      options_(options),
      jobs_(jobs_of(scenario, options)),
      plan_{scenario,
            {},
            options.samples,
            fmt::format("{}/{}", options.shard.index, options.shard.of)} {
  for (const Job& job : jobs_) {
    if (job.sample == 0) plan_.rows.push_back(job.index);
  }
}

std::string RunResults::key_of(const Job& job) const {
  const std::string& key = scenario_.rows[job.index].key;
  if (key.empty()) return key;
  if (job.sample > 0) return fmt::format("{}:{}/{}", key, job.sample, job.samples);
  return job.details ? key : key + ":brief";
}

void RunResults::enter(const Job& job, const Json& result) {
  if (too_many_) return;
  if (job.sample == 0) {
    reports_[job.index] = case_report_from_json(result);
    too_many_ = options_.database != nullptr && reports_.size() > kMostReportedRows;
    if (!too_many_) return;
    reports_.clear();
    samples_.clear();
  } else {
    std::vector<CaseMetrics>& samples = samples_[job.index];
    samples.resize(static_cast<std::size_t>(options_.samples));
    samples[static_cast<std::size_t>(job.sample - 1)] = case_metrics_from_json(result);
  }
}

const CaseReport* RunResults::report_of(std::size_t row) {
  if (too_many_) {
    const auto known = options_.database->result(key_of({.index = row, .details = false}));
    if (known) loaded_ = case_report_from_json(*known);
    return known ? &loaded_ : nullptr;
  }
  const auto found = reports_.find(row);
  return found == reports_.end() ? nullptr : &found->second;
}

std::vector<Job> RunResults::recall() {
  std::vector<Job> missing;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const Job& job = jobs_[i];
    const std::string key = key_of(job);
    const auto known = options_.database != nullptr ? options_.database->result(key) : std::nullopt;
    const bool has_failed = known && job.sample == 0 && tells_failure(*known);
    if (known && !(has_failed && options_.retry_failed)) {
      enter(job, *known);
      if (has_failed) failed_.insert(job.index);
      ++recalled_;
    } else if (key.empty()) {
      missing.push_back(job);
    } else {
      std::vector<std::size_t>& same = same_[key];
      if (same.empty()) missing.push_back(job);
      same.push_back(i);
    }
  }
  if (options_.database != nullptr) {
    options_.database->start(plan_, [&](std::size_t row) { return report_of(row); });
  }
  return missing;
}

std::vector<std::size_t> RunResults::enter_all(const Job& job, const std::string& key,
                                               const Json& result) {
  if (key.empty()) {
    enter(job, result);
    return {};
  }
  std::vector<std::size_t> shown;
  for (const std::size_t i : same_[key]) {
    const Job& same = jobs_[i];
    enter(same, result);
    if (same.sample == 0) shown.push_back(same.index);
  }
  return shown;
}

void RunResults::store(const std::string& key, Json result, const std::vector<std::size_t>& shown,
                       const Job& job) {
  if (key.empty() || options_.database == nullptr) return;
  if (too_many_ && job.sample == 0) loaded_ = case_report_from_json(result);
  const CaseReport* report = too_many_ ? &loaded_ : report_of(job.index);
  options_.database->keep(key, std::move(result), shown, report);
}

void RunResults::deliver(const Job& job, const std::string& text) {
  ++delivered_;
  const std::string key = key_of(job);
  Json result = Json::parse(text);
  const std::vector<std::size_t> shown = enter_all(job, key, result);
  store(key, std::move(result), shown, job);
}

void RunResults::fail(const Job& job, std::exception_ptr why) {
  const CaseRow& row = scenario_.rows[job.index];
  std::string reason;
  bool is_of_files = false;
  try {
    std::rethrow_exception(why);
  } catch (const InputError& error) {
    reason = error.what();
    is_of_files = true;
    if (!fault_of_files_) fault_of_files_ = why;
  } catch (const std::exception& error) {
    reason = error.what();
    crashed_ = true;
  }
  fmt::print(stderr, "moesim: {}{}: {}\n", row_title(row),
             job.sample > 0 ? fmt::format(", sample {}", job.sample) : "", reason);
  if (job.sample > 0) {
    ++failed_samples_;
    return;
  }
  failed_.insert(job.index);
  const std::string key = key_of(job);
  Json result = to_json(report_without_run(row, CaseStatus::kFailed, reason));
  const std::vector<std::size_t> shown = enter_all(job, key, result);
  failed_.insert(shown.begin(), shown.end());
  if (!is_of_files) store(key, std::move(result), shown, job);
}

bool RunResults::is_idle(const Job& job) const {
  return job.sample > 0 && failed_.contains(job.index);
}

void RunResults::throw_if_nothing_ran() const {
  const bool only_faults = fault_of_files_ && !crashed_ && delivered_ + recalled_ == 0;
  if (only_faults) std::rethrow_exception(fault_of_files_);
}

CaseReport RunResults::take_report(std::size_t index) {
  const CaseRow& row = scenario_.rows[index];
  const auto found = reports_.find(index);
  CaseReport report = found == reports_.end()
                          ? report_without_run(row, CaseStatus::kSkipped, "interrupted")
                          : std::move(found->second);
  if (report.status == CaseStatus::kDone && options_.samples > 0) {
    report.samples = std::move(samples_[index]);
    report.samples.resize(static_cast<std::size_t>(options_.samples));
  }
  report.confidence = scenario_.confidence;
  report.point = row.point;
  report.twin_of = row.twin_of;
  report.twin_match = row.twin_match;
  return report;
}

Report RunResults::report(bool interrupted) {
  if (options_.database != nullptr && !interrupted) {
    options_.database->finish([&](std::size_t row) { return report_of(row); });
  }
  Report report;
  report.scenario = scenario_.name;
  report.question = scenario_.question;
  report.seed = scenario_.seed;
  report.resolved = scenario_.resolved;
  report.interrupted = interrupted;
  report.failures = !failed_.empty() || failed_samples_ > 0;
  report.demand = scenario_.demand;
  if (too_many_) return report;
  const std::vector<CaseRow>& rows = scenario_.rows;
  const bool only_begun =
      (interrupted || options_.shard.of > 1) && std::ssize(rows) > kMostSkippedRows;
  std::set<std::int64_t> begun = {rows.front().row};  // Points of which a case or a twin has run.
  for (const auto& [row, has_run] : reports_) begun.insert(rows[row].row);
  FactsSeen facts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (only_begun && !begun.contains(rows[i].row)) continue;
    CaseReport taken = take_report(i);
    if (std::ssize(rows) > kMostWholePoints) drop_repeated_facts(taken, facts);
    // A baseline belongs to the case before it.
    (rows[i].baseline_of.empty() ? report.cases : report.cases.back().baselines)
        .push_back(std::move(taken));
  }
  return report;
}

}  // namespace moesim
