#include "scenarios/validate/plan/validation_plan.h"

#include <cmath>

namespace moesim {

Measurement& ValidationPlan::add(const TruthTable& table, const TruthRow& row) {
  Measurement measurement;
  measurement.topic = table.topic;
  measurement.id = row.text("id");
  measurement.metric = row.text("metric");
  measurement.unit = row.text("unit");
  measurement.value = row.number("value").value_or(0);
  measurement.left_out = row.has("suspect");
  measurement.series = row.text("series");
  measurement.model = row.text("model");
  measurement.hardware = row.text("hardware");
  measurements_.push_back(std::move(measurement));
  return measurements_.back();
}

void ValidationPlan::predict(Measurement& measurement, double value) {
  if (!std::isfinite(value)) return skip(measurement, "the prediction is no finite number");
  measurement.predicted = value;
}

void ValidationPlan::simulate(Measurement& measurement, const Simulation& simulation, Figure from) {
  const auto [found, is_new] = by_key_.emplace(simulation.key(), simulations_.size());
  if (is_new) {
    simulations_.push_back(simulation);
    pending_.emplace_back();
  }
  const auto place = static_cast<std::size_t>(&measurement - measurements_.data());
  pending_[found->second].push_back({place, std::move(from)});
  skip(measurement, "interrupted");
}

void ValidationPlan::route(TokenPolicy policy) {
  for (Simulation& simulation : simulations_) {
    if (simulation.routing == TokenPolicy::kCalibrated) simulation.routing = policy;
  }
}

void ValidationPlan::deliver(std::size_t simulation, const SimulationResult& result) {
  for (const Pending& pending : pending_[simulation]) {
    Measurement& measurement = measurements_[pending.measurement];
    measurement.skipped = result.failed;
    if (result.failed.empty()) predict(measurement, pending.from(result));
  }
}

void ValidationPlan::add_sample(const ValidationPlan& sample) {
  for (std::size_t i = 0; i < measurements_.size(); ++i) {
    const Measurement& other = sample.measurements_.at(i);
    if (other.skipped.empty()) measurements_[i].samples.push_back(other.predicted);
  }
}

}  // namespace moesim
