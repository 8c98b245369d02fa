#include "scenarios/cli/commands/memory_table.h"

#include <fmt/format.h>

#include <set>

#include "models/router/make/bank_cache.h"
#include "sim/deployment/expert_memory.h"

namespace moesim {
namespace {

struct Column {
  std::string name;
  MemoryLedger ledger;
  std::int64_t kv_ranks;  // Attention-DP ranks of all replicas.
};

std::vector<Column> columns_of(const Scenario& scenario) {
  std::vector<Column> columns;
  std::set<std::string> seen;
  for (const Case& one : scenario.cases) {
    // Twins with other routing need the same memory.
    if (!one.infeasible.empty() || !one.baseline_of.empty()) continue;
    if (!seen.insert(one.name).second) continue;
    std::optional<RoutingBank> bank;
    for (const Deployment& d : pools_of(one.deployment)) {
      if (!bank && d.plan.dispatches_tokens()) {
        bank = cached_routing_bank(d.model, d.tokens, d.seed);
      }
      const bool prefills = d.role == PoolRole::kPrefill;
      columns.push_back({one.name + (prefills ? " prefill" : ""),
                         memory_ledger(d, bank ? &*bank : nullptr),
                         d.plan.attention_dp * d.plan.replicas});
    }
  }
  return columns;
}

struct Row {
  const char* title;
  Bytes MemoryLedger::*item;
};

constexpr Row kRows[] = {
    {"device memory", &MemoryLedger::device_memory},
    {"engine budget", &MemoryLedger::budget},
    {"attention weights", &MemoryLedger::attention_weights},
    {"dense FFN weights", &MemoryLedger::dense_weights},
    {"routed expert weights", &MemoryLedger::routed_weights},
    {"shared expert weights", &MemoryLedger::shared_weights},
    {"gate weights", &MemoryLedger::gate_weights},
    {"embedding, head, norms", &MemoryLedger::embedding_weights},
    {"activation peak", &MemoryLedger::activations},
    {"communication buffers", &MemoryLedger::communication},
    {"runtime context", &MemoryLedger::runtime},
    {"linear attention states", &MemoryLedger::linear_states},
    {"KV pool", &MemoryLedger::kv_pool},
    {"too large by", &MemoryLedger::shortfall},
};

}  // namespace

std::string memory_table(const Scenario& scenario) {
  const std::vector<Column> columns = columns_of(scenario);
  std::string out = fmt::format("{:26}", "GiB on the fullest device");
  for (const Column& column : columns) out += fmt::format(" {:>16}", column.name);
  for (const Row& row : kRows) {
    out += fmt::format("\n{:26}", row.title);
    for (const Column& column : columns) {
      out += fmt::format(" {:16.3f}", (column.ledger.*row.item).value() / kGiB);
    }
  }
  out += fmt::format("\n{:26}", "KV tokens, one DP rank");
  for (const Column& column : columns) {
    out += fmt::format(" {:16}", column.ledger.kv_capacity_tokens);
  }
  out += fmt::format("\n{:26}", "sequences at most");
  for (const Column& column : columns) out += fmt::format(" {:16}", column.ledger.max_num_seqs);
  out += fmt::format("\n{:26}", "KV tokens, all ranks");
  for (const Column& column : columns) {
    out += fmt::format(" {:16}", column.ledger.kv_capacity_tokens * column.kv_ranks);
  }
  return out + "\n";
}

}  // namespace moesim
