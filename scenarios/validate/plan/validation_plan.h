// The plan of a validation: which figure is predicted by which simulation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "scenarios/validate/plan/measurement.h"
#include "scenarios/validate/plan/simulation.h"

namespace moesim {

// Assumptions about conditions that a table does not state, and the number of rows that use each.
using Readings = std::map<std::string, std::int64_t>;

// All figures of the tables and the simulations that they need. A figure is predicted by a formula
// at once, by a simulation later, or skipped with a reason.
class ValidationPlan {
 public:
  // Adds a figure; complete it with one of the next three.
  Measurement& add(const TruthTable& table, const TruthRow& row);
  void skip(Measurement& measurement, std::string reason) {
    measurement.skipped = std::move(reason);
  }
  // Requires: finite.
  void predict(Measurement& measurement, double value);
  // `from` computes the figure from the result of the simulation. Equal simulations run once.
  using Figure = std::function<double(const SimulationResult&)>;
  void simulate(Measurement& measurement, const Simulation& simulation, Figure from);
  // Counts one use of an assumption.
  void read_as(const std::string& reading) { ++readings_[reading]; }

  // Sets the routing of the simulations whose rows do not state it.
  void route(TokenPolicy policy);

  // Fills in the figures of one simulation, or the reason why there are none.
  void deliver(std::size_t simulation, const SimulationResult& result);

  // Adds the predictions of a Monte Carlo sample of the same tables. Requires: the same figures.
  void add_sample(const ValidationPlan& sample);

  const std::vector<Simulation>& simulations() const { return simulations_; }
  const std::vector<Measurement>& measurements() const { return measurements_; }
  const Readings& readings() const { return readings_; }

 private:
  struct Pending {
    std::size_t measurement;
    Figure from;
  };

  std::vector<Measurement> measurements_;
  std::vector<Simulation> simulations_;
  std::map<std::string, std::size_t> by_key_;
  std::vector<std::vector<Pending>> pending_;  // [simulation]
  Readings readings_;
};

}  // namespace moesim
