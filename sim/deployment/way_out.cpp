#include "sim/deployment/way_out.h"

#include <fmt/format.h>

#include <vector>

namespace moesim {
namespace {

// The highest usual setting: the driver and other processes need the rest.
constexpr double kHighestUtilization = 0.95;
constexpr std::int64_t kFewestBatchedTokens = 1024;

struct Trial {
  ExpertShare experts;
  std::int64_t kv_tokens;

  bool fits(const Deployment& changed) const {
    return memory_ledger(changed.model, changed.plan, changed.dtypes, changed.serving.memory,
                         changed.cluster.node.device, experts)
        .holds(kv_tokens);
  }
};

// The largest halving of max_batched_tokens that fits; nothing if none does.
std::optional<std::int64_t> halved_batched_tokens(const Trial& trial, Deployment pool) {
  std::int64_t& value = pool.serving.memory.max_batched_tokens;
  while (value / 2 >= kFewestBatchedTokens) {
    value /= 2;
    if (trial.fits(pool)) return value;
  }
  return std::nullopt;
}

std::vector<std::string> settings(const Deployment& pool, const Trial& trial) {
  std::vector<std::string> found;
  if (const auto seqs =
          fitting_max_num_seqs(pool.model, {pool.plan, pool.dtypes}, pool.serving.memory,
                               pool.cluster.node.device, trial.experts, trial.kv_tokens)) {
    found.push_back(fmt::format("engine.max_num_seqs: {}", *seqs));
  }
  // Without chunks a step takes whole prompts, however few tokens it should have.
  const auto tokens =
      pool.serving.chunked_prompts ? halved_batched_tokens(trial, pool) : std::nullopt;
  if (tokens) found.push_back(fmt::format("engine.max_batched_tokens: {}", *tokens));
  Deployment changed = pool;
  changed.serving.memory.memory_utilization = kHighestUtilization;
  if (pool.serving.memory.memory_utilization < kHighestUtilization && trial.fits(changed)) {
    found.push_back(fmt::format("engine.memory_utilization: {}", kHighestUtilization));
  }
  changed = pool;
  changed.dtypes.kv = Dtype::kFp8;
  if (element_bytes(pool.dtypes.kv) > element_bytes(Dtype::kFp8) && trial.fits(changed)) {
    found.emplace_back("dtype.kv: fp8");
  }
  return found;
}

}  // namespace

std::string way_out(const Deployment& pool, const MemoryLedger& ledger, std::int64_t kv_tokens) {
  const ExpertShare experts{pool.placement.redundant_experts, ledger.fullest_over_mean};
  std::string text;
  for (const std::string& setting : settings(pool, {experts, kv_tokens})) {
    text += (text.empty() ? "" : ", or ") + setting;
  }
  const auto plan = smallest_fit(pool.model, pool.dtypes, pool.serving.memory,
                                 pool.cluster.node.device, kv_tokens);
  if (plan) return text + (text.empty() ? "" : ", or ") + *plan;
  return text.empty() ? "no layout up to 1024 of these devices" : text;
}

}  // namespace moesim
