// The results of a run as they come in, from simulations or from an earlier run.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scenarios/run.h"
#include "scenarios/sweep/database.h"

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

  // All of it; the database is finished unless interrupted. The last call.
  Report report(bool interrupted);

 private:
  std::string key_of(const Job& job) const;
  void enter(const Job& job, const nlohmann::ordered_json& result);

  const Scenario& scenario_;
  const RunOptions& options_;
  std::vector<Job> jobs_;
  SweepPlan plan_;
  std::vector<CaseReport> reports_;               // By case of the scenario.
  std::vector<std::vector<CaseMetrics>> draws_;   // [case][draw]
  std::map<std::string, std::vector<Job>> same_;  // Missing jobs by key.
  std::size_t recalled_ = 0;
};

}  // namespace moesim
