// How one replica of a model is spread over devices, and in which formats its numbers are kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Widths of one replica. A pipeline stage has tp * attention_dp ranks; rank = dp_index * tp +
// tp_index. The experts of a layer are split over ep groups of moe_tp ranks: ep * moe_tp = tp *
// attention_dp, and rank r belongs to EP group r / moe_tp.
struct ParallelPlan {
  std::int64_t tp = 1;            // Ranks that share every attention (and dense) matrix.
  std::int64_t pp = 1;            // Pipeline stages.
  std::int64_t attention_dp = 1;  // Copies of attention in one replica, each with its own requests.
  std::int64_t ep = 1;            // Groups that the routed experts are split over.
  std::int64_t moe_tp = 1;        // Ranks that share every expert matrix.
  std::int64_t replicas = 1;      // Independent copies of all this.

  std::int64_t stage_ranks() const { return tp * attention_dp; }
  std::int64_t replica_ranks() const { return stage_ranks() * pp; }
  std::int64_t total_ranks() const { return replica_ranks() * replicas; }
  // Tokens travel to their experts and back (all-to-all); otherwise every rank of the stage already
  // holds all tokens (attention_dp = 1) or gathers them (moe_tp > 1).
  bool dispatches_tokens() const { return attention_dp > 1 && moe_tp == 1; }
};

// Formats of the KV cache and of tokens on their way, and those of weights where a scenario states
// others than the model's (model_formats.h puts them into its layers, which all else reads).
struct DtypePlan {
  std::optional<FormatName> weights = {};
  std::optional<FormatName> experts = {};
  std::map<std::string, FormatName> modules = {};  // By the name of a module.
  Dtype kv = Dtype::kBf16;
  Dtype dispatch = Dtype::kBf16;  // Tokens on their way to the experts; combine is always bf16.
};

// Faults of a plan for a model on a number of devices: one (path, value, allowed) per fault,
// e.g. ("ep", "96", "must divide the model's 256 experts: 1, 2, 4, ..."). Empty = sound.
struct PlanFault {
  std::string path;
  std::string value;
  std::string allowed;
  std::int64_t ranks = 0;  // Of the plan, where the fault is that they are not all the devices.
};
std::vector<PlanFault> plan_faults(const ParallelPlan& plan, const ModelSpec& model,
                                   std::int64_t devices, std::int64_t redundant_experts);

// The same for the prefill and the decode workers that share the devices; their plans have faults
// apart.
struct PoolFaults {
  std::vector<PlanFault> prefill;
  std::vector<PlanFault> decode;
};
PoolFaults pool_faults(const ParallelPlan& prefill, const ParallelPlan& decode,
                       const ModelSpec& model, std::int64_t devices,
                       std::int64_t redundant_experts);

// Layers [first, last) of a pipeline stage: as even as possible, earlier stages take the remainder.
struct LayerRange {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
LayerRange stage_layers(std::int64_t num_layers, std::int64_t pp, std::int64_t stage);

}  // namespace moesim
