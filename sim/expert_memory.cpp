#include "sim/expert_memory.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "models/router/bank/dispatch.h"
#include "sim/expert_placement.h"

namespace moesim {

namespace {

// Full steps of which the worst counts. Buffers are taken once and must outlast every step.
constexpr int kSteps = 64;

// [sequence * groups + group] pairs of a layer, if every replica of an expert takes its turn.
std::vector<double> pairs_of_texts(const RoutingBank& bank, std::int64_t layer,
                                   const LayerPlacement& placement) {
  std::vector<double> pairs(static_cast<std::size_t>(bank.sequences * placement.groups), 0);
  ReplicaTurns turns(placement);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const std::int64_t row = t / bank.sequence_tokens * placement.groups;
    for (const std::uint16_t id : bank.token(layer, t)) {
      if (turns.is_placed(id)) pairs[row + placement.group_of_slot(turns.next(id))] += 1;
    }
  }
  return pairs;
}

// Fullest over mean of a step that mixes these texts.
double fullest_of(const std::vector<double>& pairs, std::span<const std::int64_t> texts,
                  std::int64_t groups) {
  std::vector<double> step(static_cast<std::size_t>(groups), 0);
  for (const std::int64_t text : texts) {
    const auto row = pairs.begin() + text * groups;
    std::transform(step.begin(), step.end(), row, step.begin(), std::plus<>());
  }
  const double sum = std::accumulate(step.begin(), step.end(), 0.0);
  const double fullest = *std::max_element(step.begin(), step.end());
  return sum > 0 ? fullest * static_cast<double>(groups) / sum : 1;
}

}  // namespace

double fullest_group_over_mean(const Deployment& deployment, const RoutingBank& bank) {
  if (!deployment.plan.dispatches_tokens()) return 1;
  const bool halves = serves_half(deployment, bank);
  const RoutingBank served = halves ? bank_half(bank, BankHalf::kServed) : bank;
  const auto placement =
      place_experts(deployment, halves ? bank_half(bank, BankHalf::kProfile) : bank);
  std::vector<std::int64_t> texts(static_cast<std::size_t>(kSteps * deployment.plan.attention_dp));
  RandomStream stream(deployment.seed, "full steps");
  for (std::int64_t& text : texts) {
    text = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(served.sequences)));
  }
  double fullest = 1;
  for (std::int64_t layer = 0; layer < served.num_layers; ++layer) {
    const auto pairs = pairs_of_texts(served, layer, placement[layer]);
    for (int step = 0; step < kSteps; ++step) {
      const auto in_step = std::span(texts).subspan(step * deployment.plan.attention_dp,
                                                    deployment.plan.attention_dp);
      fullest = std::max(fullest, fullest_of(pairs, in_step, placement[layer].groups));
    }
  }
  return fullest;
}

MemoryLedger memory_ledger(const Deployment& deployment, const RoutingBank* bank) {
  ExpertShare experts{.redundant = deployment.placement.redundant_experts};
  if (bank != nullptr) experts.fullest_over_mean = fullest_group_over_mean(deployment, *bank);
  return memory_ledger(deployment.model, deployment.plan, deployment.dtypes,
                       deployment.serving.memory, deployment.cluster.node.device, experts);
}

}  // namespace moesim
