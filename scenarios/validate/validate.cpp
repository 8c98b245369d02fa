#include "scenarios/validate/validate.h"

#include <algorithm>
#include <exception>
#include <numeric>
#include <optional>

#include "models/router/make/bank_cache.h"
#include "scenarios/run/child_pool.h"
#include "scenarios/validate/rows/topics.h"

namespace moesim {
namespace {

constexpr std::uint64_t kBankSeed = 1;

void plan_table(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  switch (table.topic) {
    case Topic::kServing:
      return plan_serving(table, library, plan);
    case Topic::kEnergy:
      return plan_energy(table, library, plan);
    case Topic::kMemory:
      return plan_memory(table, library, plan);
    case Topic::kKernels:
      return plan_kernels(table, library, plan);
    case Topic::kCollectives:
      return plan_collectives(table, library, plan);
    case Topic::kRouting:
      return plan_routing(table, library, plan);
    case Topic::kTraining:
      return plan_training(table, library, plan);
  }
}

// Sorts simulations by routing bank, so that this process makes each bank once and the children
// inherit it.
std::vector<std::size_t> order_by_bank(const std::vector<Simulation>& simulations,
                                       const Library& library) {
  std::vector<std::string> banks;
  for (const Simulation& s : simulations) banks.push_back(s.bank_key(library));
  std::vector<std::size_t> order(simulations.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return banks[a] < banks[b]; });
  return order;
}

// The routing bank of the simulation that starts next.
class CurrentBank {
 public:
  void provide(const Simulation& simulation, const Library& library) {
    const std::string key = simulation.bank_key(library);
    if (key == key_) return;
    key_ = key;
    bank_.reset();
    if (key.empty()) return;
    TokenSource source;
    source.policy = simulation.routing;
    bank_ = cached_routing_bank(*library.model(simulation.model), source, kBankSeed);
  }
  const RoutingBank* get() const { return bank_ ? &*bank_ : nullptr; }

 private:
  std::string key_;
  std::optional<RoutingBank> bank_;
};

// A simulation that fails must not end the others.
SimulationResult result_or_reason(const Simulation& simulation, const Library& library,
                                  const RoutingBank* bank) {
  try {
    return run_simulation(simulation, library, bank);
  } catch (const std::exception& error) {
    SimulationResult result;
    result.failed = error.what();
    return result;
  }
}

}  // namespace

bool Validation::any_predicted() const {
  const auto& all = plan.measurements();
  return std::any_of(all.begin(), all.end(),
                     [](const Measurement& m) { return m.skipped.empty(); });
}

Validation plan_validation(const std::vector<std::string>& files, const Library& library) {
  Validation validation;
  Faults faults;
  for (const std::string& file : files) {
    const auto table = read_truth_table(file, faults);
    if (table) plan_table(*table, library, validation.plan);
  }
  validation.faults = faults.all();
  return validation;
}

void run_simulations(Validation& validation, const Library& library,
                     const ValidateOptions& options) {
  const std::vector<Simulation>& simulations = validation.plan.simulations();
  const std::vector<std::size_t> order = order_by_bank(simulations, library);
  CurrentBank bank;
  ChildJobs jobs;
  jobs.count = order.size();
  jobs.at_once = options.jobs;
  jobs.prepare = [&](std::size_t i) { bank.provide(simulations[order[i]], library); };
  jobs.work = [&](std::size_t i, const ProgressSink&) {
    return to_text(result_or_reason(simulations[order[i]], library, bank.get()));
  };
  jobs.finished = [&](std::size_t i, const std::string& text) {
    validation.plan.deliver(order[i], simulation_result_from(text));
  };
  jobs.progress = options.progress;
  validation.interrupted = !run_children(jobs);
}

}  // namespace moesim
