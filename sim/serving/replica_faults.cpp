// What faults do to a replica: links that hold its steps up, devices that take it down.
#include <utility>

#include "sim/serving/replica.h"

namespace moesim {

namespace {

// The link that stays down longest among those that somebody needs.
template <class Needs>
std::optional<DownLink> longest(const std::vector<DownLink>& links, const Needs& needs) {
  std::optional<DownLink> found;
  for (const DownLink& link : links) {
    if ((!found || link.until > found->until) && needs(link)) found = link;
  }
  return found;
}

}  // namespace

void Replica::meet(const Conditions& conditions) {
  const Deployment& deployment = around_.deployment;
  const Seconds now = around_.engine.now();
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    StageServer& server = stages_[s];
    moesim::meet(conditions, deployment, server.stage);
    server.down = longest(conditions.down, [&](const DownLink& link) {
      return step_needs(link, deployment, server.stage);
    });
    server.way_down = longest(conditions.down, [&](const DownLink& link) {
      return s + 1 < stages_.size() &&
             journey_needs(link, deployment, server.stage, stages_[s + 1].stage);
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
  const Seconds now = around_.engine.now();
  server.worked = server.done(now);
  server.resumed = server.down->until;
  end_after(stage, server.resumed - now + (server.cost.time - server.worked));
  give_up_after(*server.down,
                [this, stage, number = server.end] { return stages_[stage].end == number; });
}

// Activations on their way wait inside the event engine.
void Replica::watch(const MicroBatch* batch) {
  const std::optional<DownLink>& link = stages_[batch->from].way_down;
  if (!link) return;
  give_up_after(*link, [this, batch, sent = batch->sent, life = life_] {
    return life == life_ && batch->flows > 0 && batch->sent == sent;
  });
}

void Replica::give_up_after(const DownLink& link, std::function<bool()> still_waits) {
  if (link.until - around_.engine.now() <= link.timeout) return;
  around_.engine.after(link.timeout, [this, link, still_waits = std::move(still_waits)] {
    if (still_waits()) around_.gave_up(index_, link);
  });
}

void Replica::abandon() {
  ++life_;
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

void Replica::fail(std::optional<Seconds> back) {
  abandon();
  standing_ = Standing::kLost;
  failed_ = around_.engine.now();
  back_ = back;
  for (Batcher& batcher : batchers_) batcher.lose_caches();
}

void Replica::postpone(std::optional<Seconds> back) {
  if (!back_ || !back) {
    back_ = std::nullopt;
  } else {
    back_ = std::max(*back_, *back);
  }
}

std::vector<Interrupted> Replica::give_away() {
  standing_ = Standing::kDown;
  std::vector<Interrupted> requests;
  for (Batcher& batcher : batchers_) {
    const std::vector<Interrupted> waiting = batcher.give_away();
    requests.insert(requests.end(), waiting.begin(), waiting.end());
  }
  return requests;
}

void Replica::restore() {
  around_.records.faults.replica_down += around_.engine.now() - failed_;
  standing_ = Standing::kServing;
  back_ = std::nullopt;
  wake();
}

// Collectives hang: their kernels spin without moving anything.
void Replica::book_hold(const StageServer& server, Seconds held) {
  const std::int64_t ranks = around_.deployment.plan.stage_ranks();
  const Seconds time = std::max(Seconds(0), held);
  StageCost pause;
  pause.ranks.resize(static_cast<std::size_t>(ranks));
  for (DeviceLedger& rank : pause.ranks) {
    rank.add(Activity::kCommunication, time, around_.model.device().communication_power(0) * time);
  }
  around_.records.add(pause, server.stage.first_device, server.current->prefill_share(), 1);
  around_.records.faults.held += time * static_cast<double>(ranks);
}

}  // namespace moesim
