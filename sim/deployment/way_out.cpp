#include "sim/deployment/way_out.h"

#include <fmt/format.h>

#include <vector>

namespace moesim {
namespace {

// What users set at most: the rest of the memory is needed by what no engine counts.
constexpr double kHighestUtilization = 0.95;
constexpr std::int64_t kFewestBatchedTokens = 1024;

struct Trial {
  const MemoryLedger& ledger;
  std::int64_t kv_tokens;

  bool fits(const Deployment& changed) const {
    const ExpertShare experts{changed.placement.redundant_experts, ledger.fullest_over_mean};
    const MemoryLedger now =
        memory_ledger(changed.model, changed.plan, changed.dtypes, changed.serving.memory,
                      changed.cluster.node.device, experts);
    return now.fits() && now.kv_capacity_tokens >= kv_tokens;
  }
};

// The largest halving of a count of the memory rules that fits; nothing if none does.
std::optional<std::int64_t> halved(const Trial& trial, Deployment pool,
                                   std::int64_t EngineMemoryRules::*count, std::int64_t fewest) {
  std::int64_t& value = pool.serving.memory.*count;
  while (value / 2 >= fewest) {
    value /= 2;
    if (trial.fits(pool)) return value;
  }
  return std::nullopt;
}

std::vector<std::string> settings(const Deployment& pool, const Trial& trial) {
  using R = EngineMemoryRules;
  std::vector<std::string> found;
  if (const auto seqs = halved(trial, pool, &R::max_num_seqs, 1)) {
    found.push_back(fmt::format("engine.max_num_seqs: {}", *seqs));
  }
  // Without chunks a step takes whole prompts, however few tokens it should have.
  const auto tokens = pool.serving.chunked_prompts
                          ? halved(trial, pool, &R::max_batched_tokens, kFewestBatchedTokens)
                          : std::nullopt;
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
  std::string text;
  for (const std::string& setting : settings(pool, {ledger, kv_tokens})) {
    text += (text.empty() ? "" : ", or ") + setting;
  }
  const auto plan = smallest_fit(pool.model, pool.dtypes, pool.serving.memory,
                                 pool.cluster.node.device, kv_tokens);
  if (plan) return text + (text.empty() ? "" : ", or ") + *plan;
  return text.empty() ? "no layout up to 1024 of these devices" : text;
}

}  // namespace moesim
