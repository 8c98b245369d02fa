// One case, ready to run: a model on a cluster with every policy decided.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hardware/spec/device.h"
#include "models/memory/memory_ledger.h"
#include "models/placement/placement.h"
#include "models/quality/training_tokens.h"
#include "models/router/bank/routing_bank.h"
#include "models/router/draw/routing_sampler.h"
#include "models/router/make/token_source.h"
#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"
#include "sim/deployment/all_reduce.h"
#include "sim/deployment/faults.h"
#include "sim/deployment/serving_policy.h"

namespace moesim {

// Which dispatch kernels carry tokens to their experts.
enum class DispatchPolicy {
  kAuto,        // Low latency in decode-only steps, normal where prompts ride along.
  kNormal,      // DeepEP: one copy per node, then one per rank.
  kLowLatency,  // DeepEP: one message per chosen expert.
  kAllGather,   // Every rank gets every token; results come back by a reduce-scatter.
  kAllToAll,    // The library's all-to-all: one copy per chosen expert.
};

// Why a model's router cannot serve requests, in words; empty = it can.
std::string serving_fault(const MoeSpec& moe);

// What the workers of a plan do.
enum class PoolRole {
  kAll,      // Prompts and decodes.
  kPrefill,  // Prompts; each then moves with its KV cache to a decode worker.
  kDecode,
};

struct Deployment {
  std::string name;
  ModelSpec model;
  ClusterSpec cluster;
  ParallelPlan plan;                    // With separate pools: of the decode workers.
  std::optional<ParallelPlan> prefill;  // Of the prefill workers; absent = one pool does it all.
  DtypePlan dtypes;
  ServingPolicy serving;
  TokenSource tokens;
  PlacementSpec placement;
  DispatchPolicy dispatch = DispatchPolicy::kAuto;
  AllReduce all_reduce = AllReduce::kAuto;  // Over the ranks of a TP group.
  CombineFormat combine = CombineFormat::kBf16;
  Sampling sampling = Sampling::kGreedy;
  SiteSpec site;
  ModelError error;
  FaultSpec faults;
  Watts power_limit;             // Per device; 0 = data sheet.
  double rent_usd_per_hour = 0;  // Per device; 0 = the device profile's.
  std::uint64_t seed = 0;
  TrainingTokens training;  // What the model has read; decides how well it would predict text.
  std::int64_t sample = 0;  // Which draw of its routed tokens a run sees; other draws, other luck.
  // Of one pool seen alone, see pools_of().
  PoolRole role = PoolRole::kAll;
  std::int64_t first_device = 0;

  // Devices with a rank: the first ones of the cluster.
  std::int64_t total_ranks() const {
    return plan.total_ranks() + (prefill ? prefill->total_ranks() : 0);
  }
};

// The deployment as each of its pools sees it, what decodes first: its plan, its role and where it
// lies. The pool with the wider workers lies first in the cluster (the prefill pool if both are
// alike), so that workers do not straddle nodes without need.
std::vector<Deployment> pools_of(const Deployment& deployment);

}  // namespace moesim
