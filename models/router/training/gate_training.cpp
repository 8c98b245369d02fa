#include "models/router/training/gate_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <stdexcept>

#include "models/router/bank/load_statistics.h"
#include "models/router/bank/routing_bank.h"
#include "models/router/kernel/router_kernel.h"
#include "models/router/training/gate_gradient.h"
#include "models/router/training/gate_trainer.h"
#include "models/router/training/recipe_keys.h"

namespace moesim {

namespace {

constexpr std::int64_t kMostExperts = 4096;
constexpr double kMostScaling = 100;
constexpr double kMostMultiplyAdds = 1e12;
constexpr std::int64_t kHistoryPoints = 100;
constexpr double kDeadShare = 0.01;

std::string scheme_fault(const MoeSpec& moe) {
  try {
    check_router(moe, RoutingPhase::kTraining);
  } catch (const std::invalid_argument& fault) {
    return fault.what();
  }
  if (gate_outputs(moe) > kMostExperts) {
    return fmt::format("num_experts must be at most {} to train a gate", kMostExperts);
  }
  if (!(moe.router.scaling > 0 && moe.router.scaling <= kMostScaling)) {
    return fmt::format("scaling must be above 0 and at most {} to train a gate", kMostScaling);
  }
  if (with_implied_weights(moe).router.score == ScoreFunction::kOne) {
    return "score one gives every expert the same weight: no gradient reaches the gate";
  }
  switch (moe.router.rule) {
    case SelectionRule::kHash:
      return "rule hash has nothing to train: its table is fixed";
    case SelectionRule::kExpertChoice:
      return "rule expert choice gives every expert the same load by construction";
    case SelectionRule::kSparseMixer:
      return "rule sparse mixer learns from a gradient estimator of its own, which is not built in";
    case SelectionRule::kTopK:
    case SelectionRule::kRandomSecond:
    case SelectionRule::kNoisyTopK:
    case SelectionRule::kBalancedAssignment:
    case SelectionRule::kSinkhorn:
    case SelectionRule::kQuantile:
      break;
  }
  return {};
}

std::string loss_fault(const MoeSpec& moe, const TrainingRecipe& recipe) {
  const BalanceRecipe& balance = recipe.balance;
  if (balance.bias_rate > 0 && chooses_by_batch(moe.router.rule)) {
    return "bias_rate needs a rule that takes the largest keys; this one balances by itself";
  }
  if (balance.load_loss > 0) {
    const bool plain = moe.router.num_groups == 1 && balance.bias_rate == 0;
    if (moe.router.rule != SelectionRule::kNoisyTopK || !plain || moe.top_k >= gate_outputs(moe)) {
      return "load_loss needs noisy top-k over more than top_k experts, without groups or "
             "bias_rate";
    }
  }
  if (balance.device_loss > 0 || balance.communication_loss > 0) {
    if (moe.router.num_zero_experts > 0) {
      return "device_loss and communication_loss do not apply to zero experts, which have no "
             "device";
    }
    if (balance.devices < 1 || moe.num_experts % balance.devices != 0) {
      return fmt::format("devices must divide the {} experts", moe.num_experts);
    }
  }
  return {};
}

// Cost of choosing per token and expert, in multiply-adds of the same time: measured at 16 and
// 256 experts, rounded.
double selection_work(SelectionRule rule) {
  if (rule == SelectionRule::kSinkhorn) return 150;
  return chooses_by_batch(rule) ? 3000 : 0;
}

// Multiply-adds of gate (twice, and twice again with noise), experts (twice) and targets.
double multiply_adds(const MoeSpec& moe, const TrainingRecipe& recipe) {
  const auto width = static_cast<double>(state_width(num_topics(moe.num_experts)));
  const double gates = moe.router.rule == SelectionRule::kNoisyTopK ? 2 : 1;
  const double gate = (2 * gates * width + selection_work(moe.router.rule)) *
                      static_cast<double>(gate_outputs(moe));
  const double experts = (2 * static_cast<double>(moe.top_k) + 1) * width * width;
  return static_cast<double>(recipe.steps * recipe.batch_tokens) * (gate + experts);
}

// Sums over a run of steps.
class LoadWindow {
 public:
  LoadWindow(std::int64_t outputs, std::int64_t routed)
      : load_(static_cast<std::size_t>(outputs)), routed_(static_cast<std::size_t>(routed)) {}

  void add(std::span<const double> load, double loss) {
    for (std::size_t i = 0; i < load_.size(); ++i) load_[i] += load[i];
    loss_ += loss;
    ++steps_;
  }

  TrainingPoint point(std::int64_t step) const {
    const std::span<const double> routed = std::span(load_).first(routed_);
    const LoadStatistics statistics = load_statistics(routed);
    const double mean =
        std::accumulate(routed.begin(), routed.end(), 0.0) / static_cast<double>(routed_);
    const auto dead = std::count_if(routed.begin(), routed.end(),
                                    [&](double load) { return load <= kDeadShare * mean; });
    return {step, statistics.max_over_mean, statistics.gini, dead,
            loss_ / static_cast<double>(steps_)};
  }

  std::vector<double> load_over_mean() const {
    const double mean =
        std::accumulate(load_.begin(), load_.end(), 0.0) / static_cast<double>(load_.size());
    std::vector<double> relative = load_;
    for (double& load : relative) load /= mean;
    return relative;
  }

 private:
  std::vector<double> load_;
  std::size_t routed_;
  double loss_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace

std::string recipe_fault(const MoeSpec& moe, const TrainingRecipe& recipe) {
  for (const std::string& fault :
       {bounds_fault(recipe_keys().keys, recipe), scheme_fault(moe), loss_fault(moe, recipe)}) {
    if (!fault.empty()) return fault;
  }
  const double work = multiply_adds(moe, recipe);
  if (work > kMostMultiplyAdds) {
    return fmt::format(
        "steps and batch_tokens make {:.1e} multiply-adds with {} experts; at most "
        "{:.0e} are trained",
        work, gate_outputs(moe), kMostMultiplyAdds);
  }
  return {};
}

TrainingRun train_gate(const MoeSpec& moe, const TrainingRecipe& recipe, std::uint64_t seed) {
  const std::string fault = recipe_fault(moe, recipe);
  if (!fault.empty()) throw std::invalid_argument(fault);
  GateTrainer trainer(moe, recipe, seed);
  const std::int64_t period = (recipe.steps + kHistoryPoints - 1) / kHistoryPoints;
  const std::int64_t last_tenth = recipe.steps - std::max<std::int64_t>(1, recipe.steps / 10);
  const LoadWindow empty(gate_outputs(moe), moe.num_experts);
  LoadWindow recent = empty;
  LoadWindow late = empty;
  TrainingRun run;
  for (std::int64_t step = 1; step <= recipe.steps; ++step) {
    const double loss = trainer.step();
    recent.add(trainer.load(), loss);
    if (step > last_tenth) late.add(trainer.load(), loss);
    if (step % period != 0 && step != recipe.steps) continue;
    run.history.push_back(recent.point(step));
    recent = empty;
  }
  run.final = late.point(recipe.steps);
  run.load_over_mean = late.load_over_mean();
  return run;
}

}  // namespace moesim
