// The whole flow of `moesim validate` on one screen: tables in, predictions and scores out.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/input_error.h"
#include "scenarios/validate/truth/measurement.h"

namespace moesim {

struct ValidateOptions {
  int jobs = 1;  // Simulations at once; the predictions do not depend on it.
  // Told the share done, 0 to 1, and how many simulations have ended.
  std::function<void(double, std::size_t)> progress;
};

struct Validation {
  ValidationPlan plan;
  std::vector<Fault> faults;  // Files, columns and rows that could not be used.
  bool interrupted = false;

  // Whether any figure has a prediction.
  bool any_predicted() const;
};

// Reads the tables and plans every figure; formulas are evaluated, simulations are not run yet.
Validation plan_validation(const std::vector<std::string>& files, const Library& library);

// Runs the simulations in child processes and fills in their figures. After SIGINT the figures that
// are missing are skipped as interrupted.
void run_simulations(Validation& validation, const Library& library,
                     const ValidateOptions& options);

}  // namespace moesim
