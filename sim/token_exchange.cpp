#include "sim/token_exchange.h"

#include <algorithm>
#include <numeric>

#include "sim/expert_placement.h"

namespace moesim {

namespace {

// Part `i` of `tokens` spread over `parts` as evenly as possible.
std::int64_t even_part(std::int64_t tokens, std::int64_t i, std::int64_t parts) {
  return tokens / parts + (i < tokens % parts ? 1 : 0);
}

void set_scaled(std::vector<double>& bytes, const std::vector<std::int64_t>& copies, Bytes one) {
  bytes.resize(copies.size());
  for (std::size_t r = 0; r < copies.size(); ++r) {
    bytes[r] = static_cast<double>(copies[r]) * one.value();
  }
}

void add_to(std::vector<double>& sums, const std::vector<double>& values) {
  for (std::size_t r = 0; r < values.size(); ++r) sums[r] += values[r];
}

double sent_bytes(const PortLoads& loads) {
  const double up = std::accumulate(loads.scale_up_out.begin(), loads.scale_up_out.end(), 0.0);
  return std::accumulate(loads.scale_out_out.begin(), loads.scale_out_out.end(), up);
}

}  // namespace

void RoutingTally::add(const RoutingTally& other) {
  decode_experts_hit += other.decode_experts_hit;
  decode_layers += other.decode_layers;
  fullest_pairs += other.fullest_pairs;
  mean_pairs += other.mean_pairs;
}

TokenExchange::TokenExchange(const Deployment& deployment, const RoutingBank& bank)
    : deployment_(deployment) {
  const std::vector<LayerPlacement> placement = place_experts(deployment, bank);
  for (const DispatchMode mode : {DispatchMode::kNormal, DispatchMode::kLowLatency}) {
    samplers_.emplace_back(bank, placement, dispatch_geometry(deployment, mode));
    if (!deployment.plan.dispatches_tokens()) return;
  }
}

void TokenExchange::open(std::span<const RankStep> ranks) {
  const ParallelPlan& plan = deployment_.plan;
  const bool travel = plan.dispatches_tokens();
  const std::int64_t tp = plan.tp;
  sources_.assign(travel ? plan.stage_ranks() : 1, SourceTokens{});
  decode_only_ = true;
  for (std::size_t d = 0; d < ranks.size(); ++d) {
    const RankBatch& batch = ranks[d].batch;
    if (batch.prefill_tokens > 0) decode_only_ = false;
    if (!travel) {
      sources_[0].decode += batch.decode_tokens;
      sources_[0].prefill += batch.prefill_tokens;
      continue;
    }
    for (std::int64_t t = 0; t < tp; ++t) {
      sources_[d * tp + t] = {even_part(batch.decode_tokens, t, tp),
                              even_part(batch.prefill_tokens, t, tp)};
    }
  }
  const std::size_t members = travel ? plan.stage_ranks() : 0;
  for (auto* sums : {&carried_.scale_up_out, &carried_.scale_up_in, &carried_.scale_out_out,
                     &carried_.scale_out_in}) {
    sums->assign(members, 0);
  }
  const bool low_latency = deployment_.dispatch == DispatchPolicy::kLowLatency ||
                           (deployment_.dispatch == DispatchPolicy::kAuto && decode_only_);
  mode_ = travel && low_latency ? DispatchMode::kLowLatency : DispatchMode::kNormal;
  dispatched_ = combined_ = 0;
  tally_ = {};
}

const LayerLoad& TokenExchange::draw(Stage& stage, std::int64_t moe_layer) {
  sampler().draw(moe_layer, sources_, stage.random, load_);
  std::int64_t pairs = 0, hit = 0;
  std::int32_t fullest = 0;
  for (std::size_t g = 0; g < load_.pairs.size(); ++g) {
    pairs += load_.pairs[g];
    hit += load_.experts_hit[g];
    fullest = std::max(fullest, load_.pairs[g]);
  }
  tally_.fullest_pairs += fullest;
  tally_.mean_pairs += static_cast<double>(pairs) / static_cast<double>(load_.pairs.size());
  if (decode_only_) {
    tally_.decode_experts_hit += static_cast<double>(hit);
    ++tally_.decode_layers;
  }
  return load_;
}

Seconds TokenExchange::dispatch(const Stage& stage, const MoeSpec& moe) {
  const Bytes copy = dispatch_bytes(deployment_, moe, mode_);
  set_scaled(loads_.scale_up_out, load_.scale_up_out, copy);
  set_scaled(loads_.scale_up_in, load_.scale_up_in, copy);
  set_scaled(loads_.scale_out_out, load_.scale_out_out, copy);
  set_scaled(loads_.scale_out_in, load_.scale_out_in, copy);
  dispatched_ += sent_bytes(loads_);
  return exchange(stage, mode_ == DispatchMode::kLowLatency ? AllToAllKernel::kLowLatency
                                                            : AllToAllKernel::kNormalDispatch);
}

// Combine runs the same tree backwards.
Seconds TokenExchange::combine(const Stage& stage, const MoeSpec& moe) {
  const Bytes copy = combine_bytes(moe);
  set_scaled(loads_.scale_up_out, load_.scale_up_in, copy);
  set_scaled(loads_.scale_up_in, load_.scale_up_out, copy);
  set_scaled(loads_.scale_out_out, load_.scale_out_in, copy);
  set_scaled(loads_.scale_out_in, load_.scale_out_out, copy);
  combined_ += sent_bytes(loads_);
  return exchange(stage, mode_ == DispatchMode::kLowLatency ? AllToAllKernel::kLowLatency
                                                            : AllToAllKernel::kNormalCombine);
}

Seconds TokenExchange::exchange(const Stage& stage, AllToAllKernel kernel) {
  add_to(carried_.scale_up_out, loads_.scale_up_out);
  add_to(carried_.scale_up_in, loads_.scale_up_in);
  add_to(carried_.scale_out_out, loads_.scale_out_out);
  add_to(carried_.scale_out_in, loads_.scale_out_in);
  return all_to_all(stage.collectives.all_ranks(), loads_, kernel);
}

}  // namespace moesim
