#include "sim/serving/replica.h"

#include <algorithm>

#include "models/work/layer_work.h"

namespace moesim {

std::int64_t Replica::MicroBatch::prefill_tokens() const {
  std::int64_t sum = 0;
  for (const RankStep& rank : ranks) sum += rank.batch.prefill_tokens;
  return sum;
}

std::int64_t Replica::MicroBatch::decode_tokens() const {
  std::int64_t sum = 0;
  for (const RankStep& rank : ranks) sum += rank.batch.decode_tokens;
  return sum;
}

std::int64_t Replica::MicroBatch::tokens() const {
  return prefill_tokens() + decode_tokens();
}

double Replica::MicroBatch::prefill_share() const {
  return static_cast<double>(prefill_tokens()) / static_cast<double>(tokens());
}

Replica::Replica(const Context& context, std::int64_t index, const MemoryLedger& memory)
    : context_(context), index_(index) {
  const Deployment& deployment = context_.deployment;
  const ParallelPlan& plan = deployment.plan;
  const EngineMemoryRules& rules = deployment.serving.memory;
  const bool prefills = deployment.role == PoolRole::kPrefill;
  const BatcherLimits limits = {
      .max_num_seqs = memory.max_num_seqs,
      .max_batched_tokens = rules.max_batched_tokens,
      .batches_in_flight = plan.pp,
      .chunked_prompts = deployment.serving.chunked_prompts,
      .admission_interval = deployment.serving.admission_interval,
      .reserved_output = prefills ? 0 : deployment.serving.reserved_output,
      .hands_over = prefills};
  for (std::int64_t d = 0; d < plan.attention_dp; ++d) {
    batchers_.emplace_back(deployment.serving.batching, limits,
                           KvPool(memory.kv_blocks, memory.block), context_.model.windows());
  }
  for (std::int64_t s = 0; s < plan.pp; ++s) {
    stages_.emplace_back(make_stage(deployment, index, s));
    batches_.push_back(std::make_unique<MicroBatch>());
    batches_.back()->ranks.resize(plan.attention_dp);
    free_.push_back(batches_.back().get());
  }
  link_stages();
}

void Replica::link_stages() {
  for (std::size_t s = 0; s + 1 < stages_.size(); ++s) {
    for (std::int64_t r = 0; r < context_.deployment.plan.stage_ranks(); ++r) {
      const std::int64_t pair[] = {stages_[s].stage.first_device + r,
                                   stages_[s + 1].stage.first_device + r};
      const CommGroup group = make_group(context_.deployment.cluster, pair);
      stages_[s].next.push_back({point_to_point_latency(group), group.nodes > 1});
    }
  }
}

void Replica::wake() {
  if (wake_pending_) return;
  wake_pending_ = true;
  context_.engine.after(Seconds(0), [this] {
    wake_pending_ = false;
    start_batch();
  });
}

void Replica::start_batch() {
  if (state_ != State::kServing) return;
  StageServer& first = stages_.front();
  if (free_.empty() || first.current != nullptr || !first.queue.empty()) return;
  MicroBatch* batch = free_.back();
  for (std::size_t d = 0; d < batchers_.size(); ++d) batchers_[d].plan(batch->ranks[d]);
  if (batch->tokens() == 0) return;
  free_.pop_back();
  batch->step = steps_++;
  count_step(*batch);
  enqueue(0, batch);
}

void Replica::count_step(const MicroBatch& batch) {
  Records& records = context_.records;
  const std::int64_t decodes = batch.decode_tokens();
  ++records.steps;
  if (batch.prefill_tokens() == 0) ++records.decode_steps;
  if (decodes == 0) return;
  ++records.steps_with_decodes;
  records.decoded += decodes;
}

void Replica::enqueue(std::size_t stage, MicroBatch* batch) {
  stages_[stage].queue.push_back(batch);
  if (stages_[stage].current == nullptr) begin(stage);
}

void Replica::begin(std::size_t stage) {
  StageServer& server = stages_[stage];
  server.current = server.queue.front();
  server.queue.pop_front();
  server.started = server.resumed = context_.engine.now();
  server.worked = server.uncounted_hold = Seconds(0);
  server.uncounted = 0;
  const bool is_held = server.down && server.down->until > server.started;
  if (is_held) server.resumed = server.down->until;
  run(server);
  is_held ? hold(stage) : end_after(stage, server.cost.time);
}

void Replica::end_after(std::size_t stage, Seconds delay) {
  const std::uint64_t number = ++stages_[stage].end;
  context_.engine.after(delay, [this, stage, number] {
    if (stages_[stage].end == number) end(stage);
  });
}

void Replica::run(StageServer& server) {
  const MicroBatch& batch = *server.current;
  const bool prefills = context_.deployment.role == PoolRole::kPrefill;
  if (index_ == 0 && server.stage.is_first && !prefills)
    context_.records.samples.offer(batch.ranks);
  Timeline* const recorded = timeline();
  if (recorded == nullptr || !recorded->wants(batch.step)) {
    context_.model.run(server.stage, batch.ranks, server.cost);
    return;
  }
  SpanLog log = recorded->make_log();
  context_.model.run(server.stage, batch.ranks, server.cost, &log);
  if (server.stage.is_first) recorded->add(level(batch));
  recorded->add(Timeline::StageStep{.step = batch.step,
                                    .stage = server.stage.index,
                                    .first_device = server.stage.first_device,
                                    .begin = server.resumed,
                                    .time = server.cost.time,
                                    .prompt_tokens = batch.prefill_tokens(),
                                    .decode_tokens = batch.decode_tokens(),
                                    .spans = log.spans()});
}

Timeline::Level Replica::level(const MicroBatch& batch) const {
  Timeline::Level level{.step = batch.step, .time = context_.engine.now()};
  for (const Batcher& batcher : batchers_) {
    level.waiting += batcher.waiting();
    level.running += batcher.running();
    level.kv_blocks += batcher.pool().held();
  }
  return level;
}

void Replica::end(std::size_t stage) {
  StageServer& server = stages_[stage];
  MicroBatch* batch = server.current;
  charge(server, 1);
  if (server.was_held())
    charge_hold(server, context_.engine.now() - server.started - server.cost.time);
  server.current = nullptr;
  if (!server.queue.empty()) begin(stage);
  if (server.stage.is_last) {
    finish(batch);
  } else {
    send(stage, batch);
  }
  start_batch();
}

// Sends activations to the next stage: each rank sends its 1/tp of the hidden states of its DP rank
// to the same rank of that stage, over ports that other traffic may share, while both stages work.
//   bytes = tokens H 2 / tp
void Replica::send(std::size_t from, MicroBatch* batch) {
  const Deployment& deployment = context_.deployment;
  const std::int64_t tp = deployment.plan.tp;
  const std::int64_t sender = stages_[from].stage.first_device;
  const std::int64_t receiver = stages_[from + 1].stage.first_device;
  batch->sent = context_.engine.now();
  batch->from = from;
  batch->flows = deployment.plan.stage_ranks();
  watch(batch);
  for (std::int64_t r = 0; r < deployment.plan.stage_ranks(); ++r) {
    const Link& link = stages_[from].next[r];
    const std::int64_t tokens = batch->ranks[r / tp].batch.tokens();
    const Bytes bytes = activation_bytes(deployment.model, tokens) *
                        static_cast<double>(deployment.model.residual_streams) /
                        static_cast<double>(tp);
    const auto arrived = [this, batch, from, bytes, across = link.across, failures = failures_] {
      TrafficTotals& traffic = context_.records.traffic;
      traffic.pipeline += bytes;
      (across ? traffic.scale_out_sent : traffic.scale_up_sent) += bytes;
      (across ? traffic.scale_out_received : traffic.scale_up_received) += bytes;
      if (failures == failures_ && --batch->flows == 0) arrive(from + 1, batch);
    };
    context_.engine.transfer(sender + r, receiver + r, bytes, link.latency, arrived);
  }
}

void Replica::arrive(std::size_t to, MicroBatch* batch) {
  if (timeline() && timeline()->wants(batch->step)) {
    const Stage& from = stages_[to - 1].stage;
    timeline()->add(Timeline::Transfer{.step = batch->step,
                                       .stage = from.index,
                                       .first_device = from.first_device,
                                       .begin = batch->sent,
                                       .end = context_.engine.now()});
  }
  enqueue(to, batch);
}

void Replica::finish(MicroBatch* batch) {
  if (timeline()) timeline()->finish(batch->step);
  outcome_.completed.clear();
  outcome_.first_token_waits.clear();
  outcome_.prefilled.clear();
  const Seconds now = context_.engine.now();
  for (std::size_t d = 0; d < batchers_.size(); ++d) {
    const std::size_t before = outcome_.prefilled.size();
    batchers_[d].finish(batch->ranks[d], now, outcome_);
    for (std::size_t i = before; i < outcome_.prefilled.size(); ++i) {
      outcome_.prefilled[i].replica = index_;
      outcome_.prefilled[i].dp_rank = static_cast<std::int64_t>(d);
    }
  }
  free_.push_back(batch);
  context_.records.add_first_tokens(outcome_.first_token_waits, context_.deployment);
  context_.records.add_completed(outcome_.completed, context_.deployment, context_.slo);
  context_.ended(outcome_);
}

void Replica::count_anew() {
  const Seconds now = context_.engine.now();
  for (StageServer& server : stages_) {
    if (server.current == nullptr) continue;
    server.uncounted = server.share_done(now);
    if (server.was_held()) server.uncounted_hold = server.held(now);
  }
  if (state_ != State::kServing) failed_ = now;
}

void Replica::cut_off() {
  for (const StageServer& server : stages_) {
    if (server.current != nullptr) cut_off(server);
  }
  if (state_ != State::kServing) {
    context_.records.faults.replica_down += context_.engine.now() - failed_;
  }
}

void Replica::cut_off(const StageServer& server) {
  const Seconds now = context_.engine.now();
  charge(server, server.share_done(now));
  if (server.was_held()) charge_hold(server, server.held(now));
}

void Replica::charge(const StageServer& server, double elapsed) {
  context_.records.add(server.cost, server.stage.first_device, server.current->prefill_share(),
                       elapsed - server.uncounted);
  context_.routing.add(server.cost.routing);
}

}  // namespace moesim
