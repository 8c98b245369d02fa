// The flow of `moesim validate`: tables in, predictions out; scores/ scores them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/input_error.h"
#include "scenarios/validate/plan/validation_plan.h"

namespace moesim {

struct ValidateOptions {
  int jobs = 1;  // Simulations at once; predictions do not depend on it.
  // Gets the share done, 0 to 1, and the number of simulations that have ended.
  std::function<void(double, std::size_t)> progress;
};

struct Validation {
  ValidationPlan plan;
  std::vector<Fault> faults;  // Files, columns and rows that could not be used.
  bool interrupted = false;

  // Whether at least one figure has a prediction.
  bool any_predicted() const;
};

// Reads the tables and plans every figure. Evaluates formulas; does not run simulations yet.
Validation plan_validation(const std::vector<std::string>& files, const Library& library);

// Runs the simulations in child processes and fills in their figures. After SIGINT the missing
// figures are skipped as interrupted.
void run_simulations(Validation& validation, const Library& library,
                     const ValidateOptions& options);

}  // namespace moesim
