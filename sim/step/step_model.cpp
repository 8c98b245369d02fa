#include "sim/step/step_model.h"

#include <algorithm>
#include <numeric>

namespace moesim {

namespace {

DeviceSpec device_under(const ServingPolicy& serving, DeviceSpec device) {
  device.family.eager_launch_factor *= serving.eager_factor;
  device.family.expert_compute_efficiency *= serving.expert_factor;
  for (auto& [dtype, efficiency] : device.family.compute_efficiency) {
    efficiency *= serving.gemm_factor;
  }
  return device;
}

}  // namespace

StepModel::StepModel(const Deployment& deployment, const RoutingBank* bank)
    : deployment_(deployment),
      device_(device_under(deployment.serving, deployment.cluster.node.device),
              deployment.power_limit, deployment.serving.launch_factor),
      layers_(deployment.model, deployment.plan, deployment.dtypes, device_, deployment.serving,
              deployment.sampling),
      timeline_(deployment.plan, device_, deployment.error),
      exchanges_(deployment.model.is_moe() &&
                 (deployment.plan.dispatches_tokens() || deployment.plan.attention_dp > 1)) {
  if (deployment.model.is_moe()) exchange_.emplace(deployment, *bank);
}

void StepModel::run(Stage& stage, std::span<const RankStep> ranks, StageCost& cost, SpanLog* log) {
  const ServingPolicy& serving = deployment_.serving;
  eager_ =
      !serving.cuda_graphs || std::any_of(ranks.begin(), ranks.end(), [&](const RankStep& rank) {
        return rank.batch.prefill_tokens > 0 || rank.batch.tokens() > serving.largest_graph;
      });
  batch_.take(ranks, serving.two_batch_overlap && exchanges_);
  timeline_.open(log);
  timeline_.slow_down(stage.slowness);
  if (exchange_) {
    exchange_->open(stage, batch_.tokens());
    const Seconds moving = exchange_->rebalance(stage);
    if (moving > Seconds(0)) {
      timeline_.post(0, {moving, Bytes(0), Bytes(0)}, Phase::kWeightMoves);
      timeline_.await(0);
    }
  }
  for (std::size_t h = 0; h < batch_.count(); ++h) price_layers(h);

  if (stage.is_first) {
    const Seconds host = host_time(ranks);
    serving.overlaps_host ? timeline_.overlap_host(host) : timeline_.run_host(host);
    for (std::size_t d = 0; d < ranks.size(); ++d) {
      timeline_.work(d, layers_.embedding(ranks[d].batch.tokens(), eager_), Phase::kEmbedding);
    }
  }
  run_layers(stage);
  enter_layer(-1);
  if (stage.is_last) {
    for (std::size_t d = 0; d < ranks.size(); ++d) {
      timeline_.work(d, layers_.head(ranks[d].batch.sampled, eager_), Phase::kHead);
    }
  }
  cost.time = timeline_.close(exchange_ ? &exchange_->carried() : nullptr, cost.ranks);
  cost.traffic = traffic();
  cost.communication = timeline_.communication();
  if (exchange_) cost.dispatched = exchange_->carried_there();
  cost.routing = exchange_ ? exchange_->tally() : RoutingTally{};
}

// Each layer runs the halves one after another up to dispatch, then one after another from there
// on: while one half is on the network, the ranks work on the other.
void StepModel::run_layers(Stage& stage) {
  std::int64_t moe_layer = stage.first_moe_layer;
  for (std::int64_t layer = stage.layers.first; layer < stage.layers.last; ++layer) {
    const std::int64_t c = layers_.class_of(layer);
    const bool moe = layers_.spec(c).moe.has_value();
    enter_layer(layer);
    for (std::size_t h = 0; h < batch_.count(); ++h) {
      timeline_.await(h);
      run_attention(stage, h, c);
      if (moe) send_to_experts(stage, h, c, moe_layer);
    }
    for (std::size_t h = 0; h < batch_.count(); ++h) {
      if (moe) run_experts(stage, h, c);
      if (!moe && layers_.spec(c).dense_width == 0) continue;
      if (deployment_.plan.tp > 1) timeline_.await(h);
      reduce_activations(stage, h, c, LayerCosts::Reduce::kFeedForward);
    }
    if (moe) ++moe_layer;
  }
  for (std::size_t h = 0; h < batch_.count(); ++h) timeline_.await(h);
}

// Host time of the DP rank with the most sequences; DP ranks prepare their batches in parallel.
Seconds StepModel::host_time(std::span<const RankStep> ranks) const {
  std::size_t sequences = 0;
  for (const RankStep& rank : ranks) sequences = std::max(sequences, rank.items.size());
  return deployment_.serving.step_time +
         deployment_.serving.sequence_time * static_cast<double>(sequences);
}

// Layers of one class have the same cost within a step, except for routed experts.
void StepModel::price_layers(std::size_t half) {
  const HalfBatches::Ranks& ranks = batch_.half(half);
  const std::size_t dp = ranks.size();
  HalfCosts& costs = costs_[half];
  costs.attention.resize(layers_.num_attention_classes() * dp);
  costs.layer.resize(layers_.num_classes() * dp);
  std::int64_t priced = 0;
  for (std::int64_t c = 0; c < layers_.num_classes(); ++c) {
    const std::int64_t a = layers_.attention_class(c);
    const bool seen = a < priced;
    priced = std::max(priced, a + 1);
    for (std::size_t d = 0; d < dp; ++d) {
      const RankBatch& batch = *ranks[d];
      WorkCost& attention = costs.attention[a * dp + d];
      if (!seen) attention = layers_.attention(c, batch.attention[layers_.window_class(c)], eager_);
      costs.layer[c * dp + d] = layers_.linear(c, batch.tokens(), eager_);
      costs.layer[c * dp + d] += attention;
    }
  }
}

void StepModel::enter_layer(std::int64_t layer) {
  if (timeline_.log()) timeline_.log()->enter_layer(layer);
}

void StepModel::run_attention(Stage& stage, std::size_t half, std::int64_t c) {
  const HalfCosts& costs = costs_[half];
  const std::size_t dp = batch_.half(half).size();
  const std::size_t attention = layers_.attention_class(c) * dp;
  for (std::size_t d = 0; d < dp; ++d) {
    timeline_.work_layer(d, costs.layer[c * dp + d], costs.attention[attention + d].time());
  }
  if (layers_.spec(c).attention.kind == AttentionKind::kNone) return;
  reduce_activations(stage, half, c, LayerCosts::Reduce::kAttention);
}

// The reduce-scatter and the all-gather of an all-reduce are each cut into one piece per rank; all
// pieces but one overlap with the multiplication beside them:
//   hidden = (1 - 1/n) (min(time/2, before) + min(time/2, after))
Seconds StepModel::hidden_reduce(const CollectiveCost& cost, std::int64_t c,
                                 LayerCosts::Reduce which, std::int64_t tokens) {
  if (!deployment_.serving.all_reduce_overlap) return Seconds(0);
  const auto& [before, after] = layers_.neighbours(c, which, tokens, eager_);
  const Seconds part = cost.time / 2;
  const double pieces = 1 - 1 / static_cast<double>(deployment_.plan.tp);
  return (std::min(part, before) + std::min(part, after)) * pieces;
}

void StepModel::reduce_activations(Stage& stage, std::size_t half, std::int64_t c,
                                   LayerCosts::Reduce which) {
  if (deployment_.plan.tp == 1) return;
  const HalfBatches::Ranks& ranks = batch_.half(half);
  for (std::size_t d = 0; d < ranks.size(); ++d) {
    const std::int64_t tokens = ranks[d]->tokens();
    const CollectiveCost& cost = stage.collectives.tensor_all_reduce(d, tokens);
    timeline_.communicate(d, cost, hidden_reduce(cost, c, which, tokens), Phase::kAllReduce);
  }
}

// Tokens are sent to their experts by an all-to-all, or every rank gathers all tokens, or every
// rank holds them already (one attention-DP rank). Results return by the reverse operation.
// reduce_activations adds the partial sums over TP ranks.
void StepModel::send_to_experts(Stage& stage, std::size_t half, std::int64_t c,
                                std::int64_t moe_layer) {
  const MoeSpec& moe = *layers_.spec(c).moe;
  exchange_->draw(stage, moe_layer, half);
  if (deployment_.plan.dispatches_tokens()) {
    const Seconds time = exchange_->dispatch(stage, moe, half);
    timeline_.post(half, {time, Bytes(0), Bytes(0)}, Phase::kDispatch, dispatch_share());
  } else if (exchanges_) {
    timeline_.post(half, stage.collectives.gather_tokens(tokens_of(half)), Phase::kGather);
  }
  if (!deployment_.serving.shared_expert_overlap) return;
  const HalfBatches::Ranks& ranks = batch_.half(half);
  for (std::size_t d = 0; d < ranks.size(); ++d) {
    timeline_.work(d, layers_.shared_experts(c, ranks[d]->tokens(), eager_), Phase::kLinear);
  }
}

void StepModel::run_experts(Stage& stage, std::size_t half, std::int64_t c) {
  const MoeSpec& moe = *layers_.spec(c).moe;
  const LayerLoad& load = exchange_->load(half);
  timeline_.await(half);
  for (std::size_t g = 0; g < load.pairs.size(); ++g) {
    timeline_.work_experts(g, layers_.experts(c, load.rows_of(g), load.experts_hit[g], eager_));
  }
  timeline_.close_experts();
  if (deployment_.plan.dispatches_tokens()) {
    const Seconds time = exchange_->combine(stage, moe, half);
    timeline_.post(half, {time, Bytes(0), Bytes(0)}, Phase::kCombine, dispatch_share());
  } else if (exchanges_) {
    timeline_.post(half, stage.collectives.scatter_tokens(tokens_of(half)), Phase::kScatter);
  }
}

// Share of the SMs of a device that the kernels of normal dispatch and combine occupy; one at least
// computes.
double StepModel::dispatch_share() const {
  const std::int64_t sms = device_.device().num_sms;
  if (exchange_->mode() == DispatchMode::kLowLatency || sms <= 0) return 0;
  const double all = static_cast<double>(sms);
  return std::min(deployment_.serving.dispatch_sms, all - 1) / all;
}

std::int64_t StepModel::tokens_of(std::size_t half) const {
  std::int64_t tokens = 0;
  for (const RankBatch* batch : batch_.half(half)) tokens += batch->tokens();
  return tokens;
}

TrafficTotals StepModel::traffic() const {
  TrafficTotals traffic;
  const Bytes up = timeline_.collective_scale_up();
  const Bytes out = timeline_.collective_scale_out();
  traffic.tensor_parallel = up + out;
  traffic.scale_up_sent = traffic.scale_up_received = up;
  traffic.scale_out_sent = traffic.scale_out_received = out;
  if (!exchange_) return traffic;
  const auto sum = [](const std::vector<double>& ports) {
    return Bytes(std::accumulate(ports.begin(), ports.end(), 0.0));
  };
  const PortLoads& carried = exchange_->carried();
  traffic.dispatch = exchange_->dispatched();
  traffic.combine = exchange_->combined();
  traffic.weight_moves = exchange_->moved();
  traffic.scale_up_sent += sum(carried.scale_up_out);
  traffic.scale_up_received += sum(carried.scale_up_in);
  traffic.scale_out_sent += sum(carried.scale_out_out);
  traffic.scale_out_received += sum(carried.scale_out_in);
  return traffic;
}

}  // namespace moesim
