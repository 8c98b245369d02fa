#include "scenarios/cases/dense_twin_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "hardware/read/profiles.h"
#include "models/quality/scaling_laws.h"
#include "scenarios/cases/row_key.h"
#include "sim/deployment/expert_memory.h"
#include "sim/network/stage_collectives.h"

namespace moesim {
namespace {

constexpr double kRoomyWeights = 0.5;
constexpr double kMostParameters = 1e14;
constexpr int kHalvings = 60;

MemoryLedger ledger(const Deployment& d) {
  return memory_ledger(d, nullptr);
}

bool sound(const Deployment& d) {
  return plan_faults(d.plan, d.model, d.cluster.num_devices(), 0).empty();
}

// Plans over all devices, narrow ones first: tp 1, 2, 4, ... in a node, then pipeline stages.
std::vector<ParallelPlan> plans_of(const ClusterSpec& cluster) {
  const std::int64_t devices = cluster.num_devices();
  std::vector<ParallelPlan> plans;
  const auto add = [&](std::int64_t tp, std::int64_t pp) {
    if (devices % (tp * pp) != 0) return;
    ParallelPlan plan;
    plan.tp = tp;
    plan.pp = pp;
    plan.replicas = devices / (tp * pp);
    plans.push_back(plan);
  };
  std::int64_t widest = 1;
  for (std::int64_t tp = 1; tp <= cluster.node.devices; tp *= 2) {
    add(tp, 1);
    widest = tp;
  }
  for (std::int64_t pp = 2; pp * widest <= devices; ++pp) add(widest, pp);
  return plans;
}

// The layout for a model on the deployment's cluster; the last sound one if none fits.
ParallelPlan layout(Deployment d) {
  std::optional<ParallelPlan> fitting;
  ParallelPlan last;
  last.replicas = d.cluster.num_devices();
  for (const ParallelPlan& plan : plans_of(d.cluster)) {
    d.plan = plan;
    if (!sound(d)) continue;
    last = plan;
    const MemoryLedger memory = ledger(d);
    if (!memory.fits()) continue;
    if (memory.weights() <= memory.budget * kRoomyWeights) return plan;
    if (!fitting) fitting = plan;
  }
  return fitting.value_or(last);
}

// Tokens of context that one replica may have to keep: sequences that can run, at their mean.
double resident_tokens(const Case& one, const MemoryLedger& memory) {
  const Deployment& d = one.deployment;
  double tokens = 0;
  for (const Request& request : one.workload->requests) {
    tokens +=
        static_cast<double>(request.input_tokens) + static_cast<double>(request.output_tokens) / 2;
  }
  const auto requests = static_cast<double>(one.workload->requests.size());
  if (!(requests > 0)) return 0;
  const auto users = one.workload->kind == ArrivalKind::kClosedLoop
                         ? std::min(requests, static_cast<double>(one.workload->concurrency))
                         : requests;
  const auto ranks = static_cast<double>(d.plan.attention_dp);
  const double engine = static_cast<double>(d.serving.memory.max_num_seqs) * ranks;
  const double pool = static_cast<double>(memory.kv_capacity_tokens) * ranks;
  const double mean = tokens / requests;
  return std::min(
      pool, mean * std::min(engine, std::max(1.0, users / static_cast<double>(d.plan.replicas))));
}

// Weights and the cache of `tokens` on the fullest device.
double held_bytes(const MemoryLedger& memory, double tokens) {
  return memory.weights().value() + tokens * memory.kv_bytes_per_token.value();
}

// One replica over as many devices as a replica of the case.
ParallelPlan same_replicas(const Deployment& own) {
  const std::int64_t ranks = own.plan.replica_ranks();
  ParallelPlan plan;
  while (plan.tp * 2 <= own.cluster.node.devices && ranks % (plan.tp * 2) == 0) plan.tp *= 2;
  plan.pp = ranks / plan.tp;
  plan.replicas = std::max<std::int64_t>(1, own.cluster.num_devices() / ranks);
  return plan;
}

// The dense model of equal memory: its size by halving the interval on the ledger, then, heads and
// depth kept (they make the ledger jump), by the feed-forward widths alone. Nothing if there is
// none.
std::optional<ModelSpec> equal_memory(const Case& one, Deployment d) {
  const Deployment own = pools_of(one.deployment).front();
  const MemoryLedger memory = ledger(own);
  const double tokens = resident_tokens(one, memory);
  const double target = held_bytes(memory, tokens / static_cast<double>(own.plan.attention_dp));
  const auto held = [&](double params, double shape) {
    d.model = dense_model_of(own.model, params, shape);
    return held_bytes(ledger(d), tokens);
  };
  double low = least_dense_params(own.model), high = kMostParameters;
  if (held(low, low) > target) return std::nullopt;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = std::sqrt(low * high);
    (held(middle, middle) > target ? high : low) = middle;
  }
  const double shape = low;
  double less = shape / 2, more = shape * 2;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (less + more) / 2;
    (held(middle, shape) > target ? more : less) = middle;
  }
  return dense_model_of(own.model, less, shape);
}

// The size that a twin must have; nothing if no dense model is as good.
std::optional<double> params_for(const Deployment& own, TwinMatch match) {
  const ParameterCounts counts = count_parameters(own.model);
  if (match == TwinMatch::kActive) return static_cast<double>(counts.active);
  if (match == TwinMatch::kTotal) return static_cast<double>(counts.total);
  const LawShape shape = law_shape(own.model);
  const double tokens = own.training.tokens;
  return equal_quality_dense_params(joint_loss(shape.active, tokens, shape.experts), tokens);
}

std::optional<ModelSpec> twin_model(const Case& one, const Deployment& d, TwinMatch match) {
  if (match == TwinMatch::kMemory) return equal_memory(one, d);
  const auto params = params_for(one.deployment, match);
  const ModelSpec& own = one.deployment.model;
  if (!params || *params > kMostParameters || *params < least_dense_params(own)) {
    return std::nullopt;
  }
  return dense_model_of(own, *params);
}

// What a dense model has no use for, taken back to its default.
void drop_expert_settings(Deployment& d) {
  d.prefill.reset();
  d.tokens = TokenSource{};
  d.placement = PlacementSpec{};
  d.dispatch = DispatchPolicy::kAuto;
  d.combine = CombineFormat::kBf16;
}

}  // namespace

Case dense_twin_case(const Case& one, TwinMatch match, const Variation& variation) {
  const std::string word = word_of(match);
  Case twin = one;
  twin.name = fmt::format("{} (dense, equal {})", one.name, word);
  twin.twin_of = one.name;
  twin.twin_match = word;
  if (!one.key.empty()) twin.key = derived_key(one.key, "dense " + word);
  Deployment& d = twin.deployment;
  d.name = twin.name;
  drop_expert_settings(d);
  d.training.source = "the same tokens as " + one.deployment.model.name;
  if (!d.training.assumed()) d.training.confidence = "borrowed";
  if (!one.infeasible.empty()) {
    d.model = dense_twin(one.deployment.model, TwinKind::kActive);
    return twin;
  }
  if (match == TwinMatch::kMemory) d.plan = same_replicas(one.deployment);
  const auto model = twin_model(one, d, match);
  if (!model) {
    twin.infeasible = fmt::format("no dense model is its equal in {}", word);
    d.model = dense_twin(one.deployment.model, TwinKind::kActive);
    d.plan = layout(d);
    return twin;
  }
  d.model = *model;
  d.model.name = fmt::format("{}-dense-{}", one.deployment.model.name, word);
  if (match != TwinMatch::kMemory) d.plan = layout(d);
  d.error = load_serving_error(d.model.name + " on " + d.cluster.node.device.name, variation);
  if (!sound(d)) {
    twin.infeasible = "no layout of its heads on this cluster";
  } else if (!all_reduce_fault(d).empty()) {
    d.all_reduce = AllReduce::kAuto;  // Its layout is another one.
  }
  return twin;
}

}  // namespace moesim
