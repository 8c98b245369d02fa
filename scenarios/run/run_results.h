// The results of a run as they come in, from simulations or from an earlier run.
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

  // Takes what the database has. Returns the jobs that are missing; of several that would give the
  // same result, the first.
  std::vector<Job> recall();
  std::size_t recalled() const { return recalled_; }

  // What the simulation of a missing job sent home; kept in the database, if there is one.
  void deliver(const Job& job, const std::string& text);

  // All of it, or no case where there are more than reports can hold; the database is finished
  // unless interrupted. The last call.
  Report report(bool interrupted);

 private:
  std::string key_of(const Job& job) const;
  void enter(const Job& job, const nlohmann::ordered_json& result);
  // Null if it has none yet; valid until the next call.
  const CaseReport* report_of(std::size_t row);
  CaseReport take_report(std::size_t row);

  const Scenario& scenario_;
  const RunOptions& options_;
  std::vector<Job> jobs_;
  SweepPlan plan_;
  std::map<std::size_t, CaseReport> reports_;              // By row; of those that have one.
  std::map<std::size_t, std::vector<CaseMetrics>> draws_;  // [row][draw]
  std::map<std::string, std::vector<std::size_t>> same_;   // Missing ones of jobs_ by key.
  std::size_t recalled_ = 0;
  bool too_many_ = false;  // Results for the memory: they are in the database alone.
  CaseReport at_hand_;     // One of them.
};

}  // namespace moesim
