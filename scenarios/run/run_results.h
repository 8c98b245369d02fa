// The results of a run, from simulations or from the database of an earlier run.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
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

  // The report; without cases if there are more than a report can hold. Finishes the database
  // unless interrupted. Requires: the last call.
  Report report(bool interrupted);

 private:
  std::string key_of(const Job& job) const;
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
  bool too_many_ = false;  // Too many results for memory: they are only in the database.
  CaseReport loaded_;      // The one that was read from there last.
};

}  // namespace moesim
