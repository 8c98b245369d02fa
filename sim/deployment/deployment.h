// One case, ready to run: a model on a cluster with every policy decided.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/words.h"
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

// The kernels that send tokens to their experts.
enum class DispatchPolicy {
  kAuto,        // Low latency in decode-only steps, normal where prompts ride along.
  kNormal,      // DeepEP: one copy per node, then one per rank.
  kLowLatency,  // DeepEP: one message per chosen expert.
  kAllGather,   // Every rank gets every token; results return by a reduce-scatter.
  kAllToAll,    // The library's all-to-all: one copy per chosen expert.
};
template <>
inline constexpr auto kWords<DispatchPolicy> = enum_words<DispatchPolicy>({
    {DispatchPolicy::kAuto, "auto"},
    {DispatchPolicy::kNormal, "normal"},
    {DispatchPolicy::kLowLatency, "low_latency"},
    {DispatchPolicy::kAllGather, "all_gather"},
    {DispatchPolicy::kAllToAll, "all_to_all"},
});

// The reason why a model's router cannot serve requests; empty = it can.
std::string serving_fault(const MoeSpec& moe);

// The role of the replicas of a plan.
enum class PoolRole {
  kAll,      // Prompts and decodes.
  kPrefill,  // Prompts; each then moves with its KV cache to a decode replica.
  kDecode,
};

struct Deployment {
  std::string name;
  ModelSpec model;
  ClusterSpec cluster;
  ParallelPlan plan;                    // With separate pools: of the decode replicas.
  std::optional<ParallelPlan> prefill;  // Of the prefill replicas; absent = one pool for all.
  DtypePlan dtypes;
  ServingPolicy serving;
  TokenSource tokens;
  PlacementSpec placement;
  DispatchPolicy dispatch = DispatchPolicy::kAuto;
  AllReduce all_reduce = AllReduce::kAuto;  // Of a TP group.
  CombineFormat combine = CombineFormat::kBf16;
  Sampling sampling = Sampling::kGreedy;
  SiteSpec site;
  ModelError error;
  FaultSpec faults;
  Watts power_limit;           // Per device; 0 = that of the data sheet.
  double rent_per_device = 0;  // USD per hour; 0 = that of the device profile.
  std::uint64_t seed = 0;
  TrainingTokens training;  // Tokens that the model was trained on; its estimated loss needs them.
  std::int64_t sample = 0;  // Monte Carlo sample: selects the random stream of routed tokens.
  // Set where pools_of() returns one pool of the deployment.
  PoolRole role = PoolRole::kAll;
  std::int64_t first_device = 0;

  // Devices that have a rank; they are the first ones of the cluster.
  std::int64_t total_ranks() const {
    return plan.total_ranks() + (prefill ? prefill->total_ranks() : 0);
  }
};

// The pools of the deployment, each as a deployment with its own plan, role and devices; the one
// that decodes comes first. The pool with more devices per replica gets the first devices of the
// cluster (the prefill pool on a tie), so that replicas do not straddle nodes without need.
std::vector<Deployment> pools_of(const Deployment& deployment);

}  // namespace moesim
