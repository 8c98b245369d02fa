#include "sim/network/token_exchange.h"

#include <algorithm>
#include <numeric>

#include "sim/deployment/expert_placement.h"
#include "sim/network/even_part.h"

namespace moesim {

namespace {

void set_scaled(std::vector<double>& bytes, const std::vector<std::int64_t>& copies, Bytes copy) {
  bytes.resize(copies.size());
  for (std::size_t r = 0; r < copies.size(); ++r) {
    bytes[r] = static_cast<double>(copies[r]) * copy.value();
  }
}

void add_to(std::vector<double>& sums, const std::vector<double>& values) {
  for (std::size_t r = 0; r < values.size(); ++r) sums[r] += values[r];
}

void add_to(PortLoads& sums, const PortLoads& loads) {
  add_to(sums.scale_up_out, loads.scale_up_out);
  add_to(sums.scale_up_in, loads.scale_up_in);
  add_to(sums.scale_out_out, loads.scale_out_out);
  add_to(sums.scale_out_in, loads.scale_out_in);
}

void clear(PortLoads& sums, std::size_t members) {
  for (auto* ports :
       {&sums.scale_up_out, &sums.scale_up_in, &sums.scale_out_out, &sums.scale_out_in}) {
    ports->assign(members, 0);
  }
}

double sent_bytes(const PortLoads& loads) {
  const double up = std::accumulate(loads.scale_up_out.begin(), loads.scale_up_out.end(), 0.0);
  return std::accumulate(loads.scale_out_out.begin(), loads.scale_out_out.end(), up);
}

// The modes for which the samplers count copies: by node and rank, or by token-expert pair.
std::vector<DispatchMode> counting_modes(const Deployment& deployment) {
  if (!deployment.plan.dispatches_tokens()) return {DispatchMode::kNormal};
  switch (deployment.dispatch) {
    case DispatchPolicy::kAuto:
      return {DispatchMode::kNormal, DispatchMode::kLowLatency};
    case DispatchPolicy::kNormal:
      return {DispatchMode::kNormal};
    default:
      return {DispatchMode::kLowLatency};
  }
}

DispatchMode mode_of(DispatchPolicy policy, bool decode_only) {
  switch (policy) {
    case DispatchPolicy::kNormal:
      return DispatchMode::kNormal;
    case DispatchPolicy::kLowLatency:
      return DispatchMode::kLowLatency;
    case DispatchPolicy::kAllGather:
      return DispatchMode::kAllGather;
    case DispatchPolicy::kAllToAll:
      return DispatchMode::kAllToAll;
    case DispatchPolicy::kAuto:
      break;
  }
  return decode_only ? DispatchMode::kLowLatency : DispatchMode::kNormal;
}

}  // namespace

AllToAllKernel TokenExchange::kernel_of(DispatchMode mode, Way way) {
  if (mode == DispatchMode::kLowLatency) return AllToAllKernel::kLowLatency;
  if (mode != DispatchMode::kNormal) return AllToAllKernel::kLibrary;
  return way == Way::kThere ? AllToAllKernel::kNormalDispatch : AllToAllKernel::kNormalCombine;
}

TokenExchange::TokenExchange(const Deployment& deployment, const RoutingBank& bank)
    : deployment_(deployment) {
  for (const LayerSpec& layer : deployment.model.layers) {
    if (layer.moe) moe_layers_.push_back(&layer);
  }
  PlacedBank placed = place_bank(deployment, bank);
  served_ = std::move(placed.served);
  samplers_.push_back(make_sampler(placed.layers));
  if (deployment.placement.rebalance_steps > 0 && deployment.plan.ep > 1) {
    rebalancer_.emplace(deployment, served_, samplers_[0].layout());
  }
}

RoutingSampler TokenExchange::make_sampler(const std::vector<LayerPlacement>& placement) const {
  return {served_, placement, dispatch_geometry(deployment_, DispatchMode::kNormal),
          counting_modes(deployment_), deployment_.model.moe().router.capacity};
}

RoutingSampler& TokenExchange::sampler(std::int64_t replica) {
  return samplers_[replica < static_cast<std::int64_t>(samplers_.size()) ? replica : 0];
}

void TokenExchange::take(std::span<const SourceTokens> dp_ranks, Half& half) {
  const ParallelPlan& plan = deployment_.plan;
  const bool travel = plan.dispatches_tokens();
  half.sources.assign(travel ? plan.stage_ranks() : 1, SourceTokens{});
  half.tokens = 0;
  for (std::size_t d = 0; d < dp_ranks.size(); ++d) {
    const auto& [decode, prefill] = dp_ranks[d];
    half.tokens += decode + prefill;
    if (prefill > 0) decode_only_ = false;
    if (!travel) {
      half.sources[0].decode += decode;
      half.sources[0].prefill += prefill;
      continue;
    }
    for (std::int64_t t = 0; t < plan.tp; ++t) {
      half.sources[d * plan.tp + t] = {even_part(decode, t, plan.tp),
                                       even_part(prefill, t, plan.tp)};
    }
  }
}

void TokenExchange::open(const Stage& stage, std::span<const std::vector<SourceTokens>> tokens) {
  const bool travel = deployment_.plan.dispatches_tokens();
  decode_only_ = true;
  std::int64_t all = 0;
  for (std::size_t h = 0; h < tokens.size(); ++h) {
    take(tokens[h], halves_[h]);
    all += halves_[h].tokens;
  }
  const std::size_t members = travel || rebalancer_ ? deployment_.plan.stage_ranks() : 0;
  clear(carried_, members);
  clear(there_, travel ? members : 0);
  mode_ = travel ? mode_of(deployment_.dispatch, decode_only_) : DispatchMode::kNormal;
  mode_index_ =
      deployment_.dispatch == DispatchPolicy::kAuto && mode_ == DispatchMode::kLowLatency ? 1 : 0;
  dispatched_ = combined_ = 0;
  moved_ = Bytes(0);
  tally_ = {};
  tally_.layers.resize(stage.first_moe_layer + stage.moe_layers);
  if (travel) tally_.tokens_by_mode[static_cast<std::size_t>(mode_)] = all;
}

Seconds TokenExchange::rebalance(const Stage& stage) {
  if (!rebalancer_ || !rebalancer_->begin_step(stage)) return Seconds(0);
  // From now on each replica has a placement of its own.
  while (static_cast<std::int64_t>(samplers_.size()) <= stage.replica) {
    samplers_.push_back(make_sampler(samplers_[0].placement()));
  }
  RoutingSampler& moving = sampler(stage.replica);
  MovingCost total;
  for (std::int64_t i = 0; i < stage.moe_layers; ++i) {
    const std::int64_t layer = stage.first_moe_layer + i;
    const LayerPlacement& before = moving.placement()[layer];
    const LayerPlacement after = rebalancer_->place(stage, layer, before, moving.layout());
    if (after.expert_of_slot == before.expert_of_slot) continue;
    const MovingCost cost = moving_cost(deployment_, *moe_layers_[layer],
                                        stage.collectives.all_ranks(), before, after, loads_);
    carry();
    total.copies += cost.copies;
    total.bytes += cost.bytes;
    total.time += cost.time;
    moving.place(layer, after);
  }
  moved_ += total.bytes;
  rebalancer_->begin_period(stage, total);
  return total.time;
}

const LayerLoad& TokenExchange::draw(Stage& stage, std::int64_t moe_layer, std::size_t half) {
  const RoutingSampler& drawn_from = sampler(stage.replica);
  LayerLoad& load = halves_[half].load;
  drawn_from.draw(moe_layer, halves_[half].sources, stage.random, load, mode_index_);
  if (rebalancer_) rebalancer_->count(stage, moe_layer, load, drawn_from.layout(mode_index_));
  std::int64_t pairs = 0, hit = 0;
  std::int32_t fullest = 0;
  for (std::size_t g = 0; g < load.pairs.size(); ++g) {
    pairs += load.pairs[g];
    hit += load.experts_hit[g];
    fullest = std::max(fullest, load.pairs[g]);
  }
  const double mean = static_cast<double>(pairs) / static_cast<double>(load.pairs.size());
  tally_.fullest_pairs += fullest;
  tally_.mean_pairs += mean;
  tally_.pairs += static_cast<double>(pairs);
  tally_.dropped += static_cast<double>(load.dropped);
  tally_.layers[moe_layer].fullest_pairs += static_cast<double>(fullest);
  tally_.layers[moe_layer].mean_pairs += mean;
  if (decode_only_) {
    tally_.decode_experts_hit += static_cast<double>(hit);
    ++tally_.decode_layers;
  }
  return load;
}

Seconds TokenExchange::dispatch(const Stage& stage, const MoeSpec& moe, std::size_t half) {
  return send(stage, halves_[half], dispatch_bytes(deployment_, moe, mode_), Way::kThere,
              dispatched_);
}

Seconds TokenExchange::combine(const Stage& stage, const MoeSpec& moe, std::size_t half) {
  return send(stage, halves_[half], combine_bytes(deployment_, moe, mode_), Way::kBack, combined_);
}

// Combine sends along the paths of dispatch in reverse.
Seconds TokenExchange::send(const Stage& stage, const Half& half, Bytes copy, Way way,
                            double& sent) {
  const CommGroup& ranks = stage.collectives.all_ranks();
  Seconds time;
  if (mode_ == DispatchMode::kAllGather) {
    const Bytes all = copy * static_cast<double>(half.tokens);
    time = collective(way == Way::kThere ? all_gather(ranks, all) : reduce_scatter(ranks, all));
  } else {
    set_scaled(loads_.scale_up_out, half.load.scale_up_out, copy);
    set_scaled(loads_.scale_up_in, half.load.scale_up_in, copy);
    set_scaled(loads_.scale_out_out, half.load.scale_out_out, copy);
    set_scaled(loads_.scale_out_in, half.load.scale_out_in, copy);
    if (way == Way::kBack) {
      std::swap(loads_.scale_up_out, loads_.scale_up_in);
      std::swap(loads_.scale_out_out, loads_.scale_out_in);
    }
    time = all_to_all(ranks, loads_, kernel_of(mode_, way));
  }
  carry();
  if (way == Way::kThere) add_to(there_, loads_);
  sent += sent_bytes(loads_);
  return time;
}

// Every member sends and receives the same number of bytes.
Seconds TokenExchange::collective(const CollectiveCost& cost) {
  const auto ranks = static_cast<std::size_t>(deployment_.plan.stage_ranks());
  loads_.scale_up_out.assign(ranks, cost.scale_up_sent.value());
  loads_.scale_out_out.assign(ranks, cost.scale_out_sent.value());
  loads_.scale_up_in = loads_.scale_up_out;
  loads_.scale_out_in = loads_.scale_out_out;
  return cost.time;
}

void TokenExchange::carry() {
  add_to(carried_, loads_);
}

std::vector<BalancePeriod> TokenExchange::periods() const {
  return rebalancer_ ? rebalancer_->periods() : std::vector<BalancePeriod>{};
}

TrafficMatrix TokenExchange::traffic(const RoutingTally& tally) const {
  TrafficMatrix sum(deployment_.plan.stage_ranks());
  const auto& carried = tally.tokens_by_mode;
  const auto tokens =
      static_cast<double>(std::accumulate(carried.begin(), carried.end(), std::int64_t{0}));
  for (int m = 0; m < kNumDispatchModes && tokens > 0; ++m) {
    const double share = static_cast<double>(carried[static_cast<std::size_t>(m)]) / tokens;
    if (share <= 0) continue;
    const auto mode = static_cast<DispatchMode>(m);
    const TrafficMatrix of_mode =
        rank_traffic(served_, samplers_[0].placement(), dispatch_geometry(deployment_, mode),
                     dispatch_bytes(deployment_, *moe_layers_.front()->moe, mode));
    for (std::size_t i = 0; i < sum.amounts.size(); ++i)
      sum.amounts[i] += share * of_mode.amounts[i];
  }
  return sum;
}

}  // namespace moesim
