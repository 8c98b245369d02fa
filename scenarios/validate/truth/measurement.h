// Published figures and what becomes of them: predicted by a formula at once, predicted by a
// simulation later, or left out by name.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/validate/truth/simulation.h"
#include "scenarios/validate/truth/truth_table.h"

namespace moesim {

// How a figure is scored.
enum class ScoreKind { kRelativeError, kRightOrWrong };

struct Measurement {
  Topic topic = Topic::kServing;
  std::string id;
  std::string metric;  // As in the table; energy: also the wide columns.
  std::string unit;
  std::string kind;       // Groups of rows that are scored apart: "offline_max", "gemm", ...
  double value = 0;       // Published.
  bool left_out = false;  // From the scores: suspect, or an older release.
  ScoreKind score = ScoreKind::kRelativeError;
  std::string series, model, hardware;
  std::optional<bool> is_moe;  // Nothing where no model is concerned.
  // Serving: rows of one model, hardware, format, engine, traffic and load per GPU share it; they
  // differ in layout.
  std::string load;

  std::string skipped;  // Why there is no prediction; empty = there is one.
  double predicted = 0;
  std::vector<double> draws;  // Predictions with everything uncertain drawn anew.
};

// Something that a prediction rests on and the table does not say: what was taken instead.
using Readings = std::map<std::string, std::int64_t>;

// All figures of the tables, the simulations that they need, and which figure comes from which.
class ValidationPlan {
 public:
  // A figure without a prediction yet; complete it with one of the next three.
  Measurement& add(const TruthTable& table, const TruthRow& row);
  void skip(Measurement& measurement, std::string reason) {
    measurement.skipped = std::move(reason);
  }
  // Requires: finite.
  void predict(Measurement& measurement, double value);
  // The figure is `from` of the results of this simulation; equal simulations run once.
  using Figure = std::function<double(const SimulationResult&)>;
  void simulate(Measurement& measurement, const Simulation& simulation, Figure from);
  // Counts one use of a reading.
  void read_as(const std::string& reading) { ++readings_[reading]; }

  // Simulations whose rows do not say how tokens are routed route them so.
  void route(TokenPolicy policy);

  // Fills in the figures of one simulation, or why there are none.
  void deliver(std::size_t simulation, const SimulationResult& result);

  // Adds the predictions of the same tables planned with another draw. Requires: the same figures.
  void add_draw(const ValidationPlan& drawn);

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
