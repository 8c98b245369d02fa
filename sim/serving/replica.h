// One replica of a deployment as a state machine driven by timers: a batch is planned when the
// first pipeline stage is free, passes the stages in order and ends at the last one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sim/events/engine.h"
#include "sim/results/records.h"
#include "sim/results/timeline.h"
#include "sim/serving/batcher.h"
#include "sim/step/step_model.h"

namespace moesim {

class Replica {
 public:
  // Called at the end of a step, after its time and energy are counted.
  using Ended = std::function<void(const StepOutcome&)>;
  // Called when a replica has waited for a link that is down until the timeout.
  using GaveUp = std::function<void(std::int64_t replica, const DownLink& link)>;

  // Shared by all replicas of a pool.
  struct Context {
    const Deployment& deployment;
    StepModel& model;
    Engine& engine;
    Records& records;
    RoutingTally& routing;  // Of the pool.
    ServiceLevel slo;
    Ended ended;
    GaveUp gave_up = [](std::int64_t, const DownLink&) {};
    Timeline* timeline = nullptr;  // Of the first replica; null if none is recorded.
  };

  // Keeps a reference to the context. `index`: in the pool. `memory`: of one attention-DP rank.
  Replica(const Context& context, std::int64_t index, const MemoryLedger& memory);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // One batcher per attention-DP rank. After submitting to one, call wake().
  std::vector<Batcher>& batchers() { return batchers_; }
  const std::vector<Batcher>& batchers() const { return batchers_; }

  // Plans a batch after all events of this date have run, if the first stage is free.
  void wake();
  // Of each running step, only what is left of it from now on counts.
  void count_anew();
  // Ends the run: counts the part of each running step that is done.
  void cut_off();

  // Applies new conditions of links and devices. A running step keeps its time, unless a link that
  // it needs is down: then it stops, and continues when the link is up again.
  void apply(const Conditions& conditions);

  enum class State {
    kServing,
    kUndetected,  // It has failed, but the service still sends requests here.
    kDown,        // Its failure has been detected.
  };
  State state() const { return state_; }
  // Date at which a failed replica serves again; nothing = never.
  const std::optional<Seconds>& restored_at() const { return restored_at_; }
  // Running steps are abandoned and all KV caches are lost; the requests go back to the queue.
  void fail(std::optional<Seconds> restored_at);
  // It fails again before it is restored.
  void postpone(std::optional<Seconds> restored_at);
  // Its failure is detected: returns the requests that wait here.
  std::vector<Interrupted> drain();
  void restore();

 private:
  struct MicroBatch {
    std::vector<RankStep> ranks;  // [attention-DP rank]
    std::int64_t flows = 0;       // Transfers of activations under way to the next stage.
    std::size_t from = 0;         // The stage that sent them.
    Seconds sent;                 // The date at which it did.
    std::int64_t step = 0;        // Counted from 0.
    std::int64_t tokens() const;
    std::int64_t prefill_tokens() const;
    std::int64_t decode_tokens() const;
    double prefill_share() const;
  };
  // From a rank of a stage to the same rank of the next stage.
  struct Link {
    Seconds latency;
    bool across = false;  // Between nodes.
  };
  struct StageServer {
    explicit StageServer(Stage s) : stage(std::move(s)) {}
    Stage stage;
    std::vector<Link> next;  // [rank]; empty for the last stage.
    std::deque<MicroBatch*> queue;
    MicroBatch* current = nullptr;
    StageCost cost;
    Seconds started;
    // A step stopped by a link that is down continues at `resumed`; `worked` of it was done before.
    Seconds resumed, worked;
    // The part of the step, and of the time that it was stopped for, that does not count.
    double uncounted = 0;
    Seconds uncounted_hold;
    std::uint64_t end = 0;  // Number of the latest end timer; earlier timers do nothing.
    // Down link with the latest recovery among those that this stage's collectives (`down`) or its
    // transfer of activations (`transfer_down`) use.
    std::optional<DownLink> down, transfer_down;

    Seconds done(Seconds now) const { return worked + std::max(Seconds(0), now - resumed); }
    double share_done(Seconds now) const { return std::clamp(done(now) / cost.time, 0.0, 1.0); }
    bool was_held() const { return worked > Seconds(0) || resumed > started; }
    Seconds held(Seconds now) const {
      return std::max(Seconds(0), now - started - std::min(done(now), cost.time));
    }
  };

  void link_stages();
  void start_batch();
  void enqueue(std::size_t stage, MicroBatch* batch);
  void begin(std::size_t stage);
  void run(StageServer& server);
  void hold(std::size_t stage);
  void end_after(std::size_t stage, Seconds delay);
  void end(std::size_t stage);
  void watch(const MicroBatch* batch);
  void abandon();
  void give_up_after(const DownLink& link, std::function<bool()> still_waits);
  void send(std::size_t from, MicroBatch* batch);
  void arrive(std::size_t to, MicroBatch* batch);
  void finish(MicroBatch* batch);
  void count_step(const MicroBatch& batch);
  void cut_off(const StageServer& server);
  void charge(const StageServer& server, double elapsed);
  void charge_hold(const StageServer& server, Seconds held);
  Timeline* timeline() const { return index_ == 0 ? context_.timeline : nullptr; }
  Timeline::Level level(const MicroBatch& batch) const;

  const Context& context_;
  std::int64_t index_ = 0;  // Among the replicas of its pool.
  std::vector<Batcher> batchers_;
  std::vector<StageServer> stages_;
  std::vector<std::unique_ptr<MicroBatch>> batches_;
  std::vector<MicroBatch*> free_;
  StepOutcome outcome_;
  std::int64_t steps_ = 0;
  bool wake_pending_ = false;
  State state_ = State::kServing;
  std::optional<Seconds> restored_at_;
  Seconds failed_;
  std::int64_t failures_ = 0;  // So far; transfers sent before the latest one are ignored.
};

}  // namespace moesim
