// A replica under faults: links that stop its steps, failures of its devices.
#include <utility>

#include "sim/serving/replica.h"

namespace moesim {

namespace {

// The needed link that stays down longest.
template <class Needs>
std::optional<DownLink> longest(const std::vector<DownLink>& links, const Needs& needs) {
  std::optional<DownLink> found;
  for (const DownLink& link : links) {
    if ((!found || link.until > found->until) && needs(link)) found = link;
  }
  return found;
}

}  // namespace

void Replica::apply(const Conditions& conditions) {
  const Deployment& deployment = context_.deployment;
  const Seconds now = context_.engine.now();
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    StageServer& server = stages_[s];
    moesim::apply(conditions, deployment, server.stage);
    server.down = longest(conditions.down, [&](const DownLink& link) {
      return step_needs(link, deployment, server.stage);
    });
    server.transfer_down = longest(conditions.down, [&](const DownLink& link) {
      return s + 1 < stages_.size() &&
             transfer_needs(link, deployment, server.stage, stages_[s + 1].stage);
    });
    if (server.current == nullptr || !server.down) continue;
    const bool is_under_way = server.done(now) < server.cost.time;
    if (is_under_way && server.down->until > std::max(now, server.resumed)) hold(s);
  }
  for (const auto& batch : batches_) {
    if (batch->flows > 0) watch(batch.get());
  }
}

// The step of a stage stops until the link is up again.
void Replica::hold(std::size_t stage) {
  StageServer& server = stages_[stage];
  const Seconds now = context_.engine.now();
  server.worked = server.done(now);
  server.resumed = server.down->until;
  end_after(stage, server.resumed - now + (server.cost.time - server.worked));
  give_up_after(*server.down,
                [this, stage, number = server.end] { return stages_[stage].end == number; });
}

// The event engine holds back the transfer of activations; this watches the timeout.
void Replica::watch(const MicroBatch* batch) {
  const std::optional<DownLink>& link = stages_[batch->from].transfer_down;
  if (!link) return;
  give_up_after(*link, [this, batch, sent = batch->sent, failures = failures_] {
    return failures == failures_ && batch->flows > 0 && batch->sent == sent;
  });
}

void Replica::give_up_after(const DownLink& link, std::function<bool()> still_waits) {
  if (link.until - context_.engine.now() <= link.timeout) return;
  context_.engine.after(link.timeout, [this, link, still_waits = std::move(still_waits)] {
    if (still_waits()) context_.gave_up(index_, link);
  });
}

void Replica::abandon() {
  ++failures_;
  free_.clear();
  for (StageServer& server : stages_) {
    if (server.current != nullptr) cut_off(server);
    server.current = nullptr;
    server.queue.clear();
    ++server.end;
  }
  for (const auto& batch : batches_) {
    batch->flows = 0;
    free_.push_back(batch.get());
  }
}

void Replica::fail(std::optional<Seconds> restored_at) {
  abandon();
  state_ = State::kUndetected;
  failed_ = context_.engine.now();
  restored_at_ = restored_at;
  for (Batcher& batcher : batchers_) batcher.lose_caches();
}

void Replica::postpone(std::optional<Seconds> restored_at) {
  if (!restored_at_ || !restored_at) {
    restored_at_ = std::nullopt;
  } else {
    restored_at_ = std::max(*restored_at_, *restored_at);
  }
}

std::vector<Interrupted> Replica::drain() {
  state_ = State::kDown;
  std::vector<Interrupted> requests;
  for (Batcher& batcher : batchers_) {
    const std::vector<Interrupted> waiting = batcher.drain();
    requests.insert(requests.end(), waiting.begin(), waiting.end());
  }
  return requests;
}

void Replica::restore() {
  context_.records.faults.replica_down += context_.engine.now() - failed_;
  state_ = State::kServing;
  restored_at_ = std::nullopt;
  wake();
}

// Collectives hang: their kernels spin at communication power without moving bytes.
void Replica::charge_hold(const StageServer& server, Seconds held) {
  const std::int64_t ranks = context_.deployment.plan.stage_ranks();
  const Seconds time = std::max(Seconds(0), held - server.uncounted_hold);
  StageCost pause;
  pause.ranks.resize(static_cast<std::size_t>(ranks));
  for (DeviceLedger& rank : pause.ranks) {
    rank.add(Activity::kCommunication, time, context_.model.device().communication_power(0) * time);
  }
  context_.records.add(pause, server.stage.first_device, server.current->prefill_share(), 1);
  context_.records.faults.held += time * static_cast<double>(ranks);
}

}  // namespace moesim
