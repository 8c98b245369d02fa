// The results of a run, from simulations or from the database of an earlier run.
#pragma once

#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "scenarios/run/database.h"
#include "scenarios/run/run.h"

namespace moesim {

class RunResults {
 public:
  // Both must outlive the results.
  RunResults(const Scenario& scenario, const RunOptions& options);

  // Takes the results that the database has. Returns the jobs that are missing; of several jobs
  // with the same result, only the first.
  std::vector<Job> recall();
  std::size_t recalled() const { return recalled_; }

  // Takes the result of a missing job; stores it in the database, if there is one.
  void deliver(const Job& job, const std::string& text);

  // Takes note that a missing job has no result. Of a case as stated the row has failed, and the
  // database keeps that unless a file is at fault, which may be mended.
  void fail(const Job& job, std::exception_ptr why);
  // Whether the case of a sample has failed, so that the sample is of no use.
  bool is_idle(const Job& job) const;
  // Throws: the fault of a file that kept every missing job from running.
  void throw_if_nothing_ran() const;

  // The report; without cases if there are more than a report can hold. Finishes the database
  // unless interrupted. Requires: the last call.
  Report report(bool interrupted);

 private:
  std::string key_of(const Job& job) const;
  // Stores the result of a job for all jobs with the same; returns the rows that show it.
  std::vector<std::size_t> enter_all(const Job& job, const std::string& key,
                                     const nlohmann::ordered_json& result);
  void store(const std::string& key, nlohmann::ordered_json result,
             const std::vector<std::size_t>& shown, const Job& job);
  void enter(const Job& job, const nlohmann::ordered_json& result);
  // Null if the row has none yet; valid until the next call.
  const CaseReport* report_of(std::size_t row);
  CaseReport take_report(std::size_t index);

  const Scenario& scenario_;
  const RunOptions& options_;
  std::vector<Job> jobs_;
  SweepPlan plan_;
  std::map<std::size_t, CaseReport> reports_;                // By row.
  std::map<std::size_t, std::vector<CaseMetrics>> samples_;  // [row][sample - 1]
  std::map<std::string, std::vector<std::size_t>> same_;     // Missing jobs by key.
  std::size_t recalled_ = 0;
  std::size_t delivered_ = 0;
  std::set<std::size_t> failed_;  // Rows.
  std::size_t failed_samples_ = 0;
  std::exception_ptr fault_of_files_ = {};  // The first.
  bool crashed_ = false;                    // A job failed for another reason.
  bool too_many_ = false;  // Too many results for memory: they are only in the database.
  CaseReport loaded_;      // The one that was read from there last.
};

}  // namespace moesim
