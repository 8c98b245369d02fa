#include "sim/deployment/expert_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/random.h"
#include "sim/deployment/expert_placement.h"

namespace moesim {

namespace {

// Number of full steps, of which the worst counts: buffers are allocated once for all steps.
constexpr int kSteps = 64;

// [step][attention-DP rank] the sequence that fills the rank.
std::vector<std::vector<std::size_t>> full_steps(const Deployment& deployment,
                                                 std::int64_t sequences) {
  RandomStream stream(deployment.seed, "full steps");
  std::vector<std::vector<std::size_t>> steps(kSteps);
  for (auto& texts : steps) {
    texts.resize(static_cast<std::size_t>(deployment.plan.attention_dp));
    for (std::size_t& text : texts) text = stream.below(static_cast<std::uint64_t>(sequences));
  }
  return steps;
}

ExpertCounts counts_of(const std::vector<double>& by_sequence, std::int64_t experts,
                       const std::vector<std::size_t>& texts) {
  ExpertCounts step(static_cast<std::size_t>(experts), 0);
  for (const std::size_t text : texts) {
    const double* const row = by_sequence.data() + text * step.size();
    std::transform(step.begin(), step.end(), row, step.begin(), std::plus<>());
  }
  return step;
}

}  // namespace

double fullest_group_over_mean(const Deployment& deployment, const RoutingBank& bank) {
  if (!deployment.plan.dispatches_tokens()) return 1;
  const PlacedBank placed = place_bank(deployment, bank);
  const auto steps = full_steps(deployment, placed.served.sequences);
  double fullest = 1;
  for (std::int64_t layer = 0; layer < placed.served.num_layers; ++layer) {
    const std::vector<double> by_sequence = counts_by_sequence(placed.served, layer);
    for (const auto& texts : steps) {
      const ExpertCounts counts = counts_of(by_sequence, bank.num_experts, texts);
      fullest = std::max(fullest, overload(placed.layers[layer], counts));
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

std::string memory_fault(const MemoryLedger& memory, PoolRole role) {
  if (memory.fits()) return "";
  const char* const pool = role == PoolRole::kPrefill  ? "prefill pool: "
                           : role == PoolRole::kDecode ? "decode pool: "
                                                       : "";
  if (memory.shortfall.value() <= 0) {
    return fmt::format("{}no room is left for the KV cache of one block of tokens", pool);
  }
  return fmt::format(
      "{}needs {:.1f} GiB on its fullest device, {:.1f} GiB more than the engine may use", pool,
      memory.needed().value() / kGiB, memory.shortfall.value() / kGiB);
}

std::vector<MemoryLedger> pool_ledgers(const Deployment& deployment, const RoutingBank* bank) {
  std::vector<MemoryLedger> ledgers;
  for (const Deployment& pool : pools_of(deployment)) ledgers.push_back(memory_ledger(pool, bank));
  return ledgers;
}

}  // namespace moesim
