#include <fmt/format.h>

#include <algorithm>

#include "models/router/make/bank_cache.h"
#include "models/spec/kv_bytes.h"
#include "models/spec/model_formats.h"
#include "scenarios/validate/rows/conditions.h"
#include "scenarios/validate/rows/topics.h"
#include "sim/deployment/expert_memory.h"

namespace moesim {
namespace {

using namespace literals;

// DeepSeek's expert-parallel prefill keeps 32 copies of hot experts (SGLang large-scale EP blog).
constexpr std::int64_t kRedundantExperts = 32;
constexpr std::int64_t kDevicesPerNode = 8;
constexpr double kSglangFraction = 0.85;
// Rows without a release or a date. Assumption: published rows are of 2024 and later.
constexpr const char* kUnstatedMonth = "2024-12";

struct MemoryRow {
  const TruthRow& row;
  const Library& library;
  ValidationPlan& plan;
  Measurement& figure;

  EngineMemoryRules rules(const DeviceSpec& device) const {
    const std::string words = stated_engine(row, library, kUnstatedMonth);
    const ServingPolicy serving = serving_policy(library.engine(words), device.memory);
    EngineMemoryRules rules = serving.memory;
    if (words.starts_with("sglang")) rules.memory_utilization = kSglangFraction;
    rules.memory_utilization =
        row.number("gpu_memory_utilization").value_or(rules.memory_utilization);
    if (row.has("block_size")) rules.kv_block_tokens = stated(row, "block_size");
    if (words.starts_with("sglang") && row.has("tokens")) {
      rules.max_batched_tokens = stated(row, "tokens");
    }
    if (!serving.chunked_prompts && row.has("max_model_len")) {
      rules.max_batched_tokens = stated(row, "max_model_len");
    }
    rules.max_batched_tokens =
        row.count("max_num_batched_tokens").value_or(rules.max_batched_tokens);
    return rules;
  }

  DtypePlan formats(const ModelSpec& model) const {
    DtypePlan dtypes = stated_dtypes(row.text("dtype"), row.text("kv_dtype"), model);
    const bool sparse = model.layers.back().attention.index_topk > 0;
    if (!row.has("kv_dtype")) dtypes.kv = sparse ? Dtype::kFp8 : Dtype::kBf16;
    return dtypes;
  }

  ParallelPlan layout(const ModelSpec& model) const {
    ParallelPlan widths;
    widths.tp = row.has("tp") ? stated(row, "tp") : 1;
    widths.pp = row.has("pp") ? stated(row, "pp") : 1;
    const std::int64_t dp = row.has("dp") ? stated(row, "dp") : 1;
    if (dp > 1 && dp == widths.tp) {  // SGLang counts attention DP inside its tp ranks.
      widths.attention_dp = dp;
      widths.tp = 1;
    }
    if (row.has("ep")) {
      widths.ep = widths.attention_dp = stated(row, "ep");
    } else if (model.is_moe()) {
      widths.moe_tp = widths.stage_ranks();
    }
    return widths;
  }

  // Figures that depend on the model only.
  std::optional<double> of_model(const ModelSpec& model, const DtypePlan& dtypes) const {
    const std::string& metric = figure.metric;
    if (metric == "kv_bytes_per_token") return kv_bytes_per_token(model, dtypes.kv).value();
    if (metric == "kv_bytes_per_token_per_layer") {
      return kv_layer_bytes(model.layers.front().attention, 1, dtypes.kv).value();
    }
    if (metric == "kv_cache_bytes_total") {
      return kv_bytes(model, stated(row, "tokens"), dtypes.kv).value();
    }
    if (metric != "weights_bytes_total") return std::nullopt;
    return memory_ledger(in_formats(model, dtypes), ParallelPlan{}, dtypes, EngineMemoryRules{},
                         DeviceSpec{}, {})
        .weights()
        .value();
  }

  std::optional<double> of_ledger(const MemoryLedger& ledger) const {
    const std::string& metric = figure.metric;
    const Bytes after_weights = ledger.device_memory - ledger.runtime - ledger.weights();
    if (metric == "weights_bytes_per_gpu") return ledger.weights().value();
    if (metric == "kv_cache_tokens") return static_cast<double>(ledger.kv_capacity_tokens);
    if (metric == "gpu_blocks") return static_cast<double>(ledger.kv_blocks);
    if (metric == "kv_cache_bytes_per_gpu") return ledger.kv_pool.value();
    if (metric == "activation_peak_bytes") return ledger.activations.value();
    if (metric == "non_torch_bytes") return ledger.runtime.value();
    if (metric == "engine_budget_bytes") return ledger.budget.value();
    if (metric == "gpu_memory_bytes") return ledger.device_memory.value();
    if (metric == "free_bytes_after_weights") return after_weights.value();
    if (metric == "free_bytes_after_pool") return (after_weights - ledger.kv_pool).value();
    if (metric == "fits") return ledger.fits() ? 1 : 0;
    if (metric == "min_mem_fraction") {
      return ledger.weights() / (ledger.device_memory - ledger.runtime);
    }
    return std::nullopt;
  }

  static MemoryLedger routed_ledger(const Deployment& deployment) {
    if (!deployment.plan.dispatches_tokens()) return memory_ledger(deployment, nullptr);
    const RoutingBank bank =
        cached_routing_bank(deployment.model, deployment.tokens, deployment.seed);
    return memory_ledger(deployment, &bank);
  }

  void answer() const {
    if (row.text("model") == "any") throw Skipped{"training is not simulated yet"};
    const ModelSpec& model = stated_model(row, library);
    const DtypePlan dtypes = formats(model);
    if (const auto value = of_model(model, dtypes)) return plan.predict(figure, *value);
    if (figure.metric.starts_with("kv_") && row.text("engine").starts_with("SGLang") &&
        !row.has("gpu_memory_utilization")) {
      throw Skipped{"gpu_memory_utilization not stated"};
    }
    const DeviceSpec& device = stated_hardware(row, library);
    const ParallelPlan widths = layout(model);
    const std::int64_t redundant = row.has("ep") ? kRedundantExperts : 0;
    const auto faults = plan_faults(widths, model, widths.total_ranks(), redundant);
    if (!faults.empty()) {
      throw Skipped{fmt::format("layout: {} {} {}", faults.front().path, faults.front().value,
                                faults.front().allowed)};
    }
    Deployment deployment;
    deployment.model = in_formats(model, dtypes);
    deployment.cluster.node.device = device;
    deployment.cluster.node.devices = kDevicesPerNode;
    deployment.plan = widths;
    deployment.dtypes = dtypes;
    deployment.serving.memory = rules(device);
    deployment.placement.redundant_experts = redundant;
    if (redundant > 0) deployment.placement.policy = PlacementPolicy::kEplb;
    const auto value = of_ledger(routed_ledger(deployment));
    if (!value) throw Skipped{fmt::format("metric {} is not predicted", figure.metric)};
    plan.predict(figure, *value);
  }
};

}  // namespace

void plan_memory(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  for (const TruthRow& row : table.rows) {
    Measurement& figure = plan.add(table, row);
    if (const ModelSpec* model = library.model(figure.model)) figure.is_moe = model->is_moe();
    if (figure.metric == "fits") figure.score = ScoreKind::kRightOrWrong;
    try {
      if (!row.fault().empty()) throw Skipped{row.fault()};
      MemoryRow{row, library, plan, figure}.answer();
    } catch (const Skipped& skipped) {
      plan.skip(figure, skipped.reason);
    }
  }
}

}  // namespace moesim
