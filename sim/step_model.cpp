#include "sim/step_model.h"

#include <algorithm>
#include <numeric>

namespace moesim {

namespace {

DeviceSpec device_under(const ServingPolicy& serving, DeviceSpec device) {
  device.family.eager_launch_factor *= serving.eager_factor;
  device.family.expert_compute_efficiency *= serving.expert_factor;
  return device;
}

}  // namespace

StepModel::StepModel(const Deployment& deployment, const RoutingBank* bank)
    : deployment_(deployment),
      device_(device_under(deployment.serving, deployment.cluster.node.device),
              deployment.power_limit, deployment.serving.launch_factor),
      layers_(deployment.model, deployment.plan, deployment.dtypes, device_, deployment.serving,
              deployment.sampling),
      books_(deployment.plan, device_, deployment.error) {
  if (deployment.model.is_moe()) exchange_.emplace(deployment, *bank);
}

void StepModel::run(Stage& stage, std::span<const RankStep> ranks, StageCost& cost, SpanLog* log) {
  const bool prompts = std::any_of(ranks.begin(), ranks.end(),
                                   [](const RankStep& r) { return r.batch.prefill_tokens > 0; });
  const bool eager = prompts || !deployment_.serving.cuda_graphs;
  step_tokens_ = 0;
  for (const RankStep& rank : ranks) step_tokens_ += rank.batch.tokens();
  books_.open(log);
  if (exchange_) {
    exchange_->open(stage, ranks);
    const Seconds moving = exchange_->rebalance(stage);
    if (moving > Seconds(0)) {
      books_.communicate_all({moving, Bytes(0), Bytes(0)}, Phase::kWeightMoves);
    }
  }
  price_layers(ranks, eager);

  if (stage.is_first) {
    const Seconds host = host_time(ranks);
    deployment_.serving.overlaps_host ? books_.prepare_beside(host) : books_.prepare(host);
    for (std::size_t d = 0; d < ranks.size(); ++d) {
      books_.work(d, layers_.embedding(ranks[d].batch.tokens(), eager), Phase::kEmbedding);
    }
  }
  std::int64_t moe_layer = stage.first_moe_layer;
  for (std::int64_t layer = stage.layers.first; layer < stage.layers.last; ++layer) {
    const std::int64_t c = layers_.class_of(layer);
    enter_layer(layer);
    run_attention(stage, ranks, c);
    if (layers_.spec(c).moe) run_experts(stage, c, moe_layer++, eager);
    if (layers_.spec(c).moe || layers_.spec(c).dense_width > 0) reduce_activations(stage, ranks);
  }
  enter_layer(-1);
  if (stage.is_last) {
    for (std::size_t d = 0; d < ranks.size(); ++d) {
      books_.work(d, layers_.head(ranks[d].batch.sampled, eager), Phase::kHead);
    }
  }
  cost.time = books_.close(exchange_ ? &exchange_->carried() : nullptr, cost.ranks);
  cost.traffic = traffic();
  cost.routing = exchange_ ? exchange_->tally() : RoutingTally{};
}

// Host time of the fullest DP rank: they prepare their batches side by side.
Seconds StepModel::host_time(std::span<const RankStep> ranks) const {
  std::size_t sequences = 0;
  for (const RankStep& rank : ranks) sequences = std::max(sequences, rank.items.size());
  return deployment_.serving.step_overhead +
         deployment_.serving.sequence_overhead * static_cast<double>(sequences);
}

// Layers of one class cost the same within a step, experts aside.
void StepModel::price_layers(std::span<const RankStep> ranks, bool eager) {
  const std::size_t dp = ranks.size();
  attention_.resize(layers_.num_attention_classes() * dp);
  layer_.resize(layers_.num_classes() * dp);
  std::int64_t priced = 0;
  for (std::int64_t c = 0; c < layers_.num_classes(); ++c) {
    const std::int64_t a = layers_.attention_class(c);
    const bool seen = a < priced;
    priced = std::max(priced, a + 1);
    for (std::size_t d = 0; d < dp; ++d) {
      const RankBatch& batch = ranks[d].batch;
      WorkCost& attention = attention_[a * dp + d];
      if (!seen) attention = layers_.attention(c, batch.attention[layers_.window_class(c)], eager);
      layer_[c * dp + d] = layers_.linear(c, batch.tokens(), eager);
      layer_[c * dp + d] += attention;
    }
  }
}

void StepModel::enter_layer(std::int64_t layer) {
  if (books_.log()) books_.log()->enter_layer(layer);
}

void StepModel::run_attention(Stage& stage, std::span<const RankStep> ranks, std::int64_t c) {
  const std::size_t dp = ranks.size();
  const std::size_t attention = layers_.attention_class(c) * dp;
  for (std::size_t d = 0; d < dp; ++d) {
    books_.work_layer(d, layer_[c * dp + d], attention_[attention + d].time());
  }
  if (layers_.spec(c).attention.kind != AttentionKind::kNone) reduce_activations(stage, ranks);
}

void StepModel::reduce_activations(Stage& stage, std::span<const RankStep> ranks) {
  if (deployment_.plan.tp == 1) return;
  for (std::size_t d = 0; d < ranks.size(); ++d) {
    books_.communicate(d, stage.collectives.tensor_all_reduce(d, ranks[d].batch.tokens()),
                       Phase::kAllReduce);
  }
}

// Tokens reach their experts by an all-to-all, or every rank gathers them all, or every rank holds
// them already (one attention-DP rank); results come back the mirrored way. Partial sums over TP
// are left to reduce_activations.
void StepModel::run_experts(Stage& stage, std::int64_t c, std::int64_t moe_layer, bool eager) {
  const MoeSpec& moe = *layers_.spec(c).moe;
  const bool travel = deployment_.plan.dispatches_tokens();
  const bool gather = !travel && deployment_.plan.attention_dp > 1;
  const LayerLoad& load = exchange_->draw(stage, moe_layer);

  if (travel || gather) books_.meet();
  if (travel)
    books_.communicate_all({exchange_->dispatch(stage, moe), Bytes(0), Bytes(0)}, Phase::kDispatch);
  if (gather) books_.communicate_all(stage.collectives.gather_tokens(step_tokens_), Phase::kGather);
  for (std::size_t g = 0; g < load.pairs.size(); ++g) {
    books_.work_experts(g, layers_.experts(c, load.rows_of(g), load.experts_hit[g], eager));
  }
  books_.close_experts();
  if (travel)
    books_.communicate_all({exchange_->combine(stage, moe), Bytes(0), Bytes(0)}, Phase::kCombine);
  if (gather)
    books_.communicate_all(stage.collectives.scatter_tokens(step_tokens_), Phase::kScatter);
}

TrafficTotals StepModel::traffic() const {
  TrafficTotals traffic;
  const Bytes up = books_.collective_scale_up();
  const Bytes out = books_.collective_scale_out();
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
