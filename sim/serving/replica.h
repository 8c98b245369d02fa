// One replica of a deployment as a timer-driven state machine: batches are planned when the first
// pipeline stage is free, pass the stages in order, and end at the last one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sim/events/engine.h"
#include "sim/results/timeline.h"
#include "sim/serving/batcher.h"
#include "sim/serving/records.h"
#include "sim/step/step_model.h"

namespace moesim {

class Replica {
 public:
  // Called when requests ended, after their step is booked.
  using Ended = std::function<void(const StepOutcome&)>;
  // Called when a replica has waited too long for a link that is down.
  using GaveUp = std::function<void(std::int64_t replica, const DownLink& link)>;

  // What all replicas share.
  struct Surroundings {
    const Deployment& deployment;
    StepModel& model;
    Engine& engine;
    Records& records;
    RoutingTally& routing;  // Of the pool that the replicas belong to.
    ServiceLevel slo;
    Ended ended;
    GaveUp gave_up = [](std::int64_t, const DownLink&) {};
    Timeline* timeline = nullptr;  // Of the first replica, if somebody watches.
  };

  // Keeps a reference to the surroundings. `kv_blocks`: of one attention-DP rank.
  Replica(const Surroundings& surroundings, std::int64_t index, std::int64_t kv_blocks);
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  // One batcher per attention-DP rank. After submitting to one, call wake().
  std::vector<Batcher>& batchers() { return batchers_; }
  const std::vector<Batcher>& batchers() const { return batchers_; }

  // Plans a batch once all events of this instant are through, if the first stage is free.
  void wake();
  // Books the elapsed part of the steps that are running now. The run is over.
  void cut_off();

  // Its links and devices from now on. A step that is running ends as it began, but for links that
  // are down: it stops and goes on when they are up again.
  void meet(const Conditions& conditions);

  enum class Standing {
    kServing,
    kLost,  // It has failed, and nobody knows yet: requests still come.
    kDown,
  };
  Standing standing() const { return standing_; }
  // When it serves again if it does not now; nothing = never.
  const std::optional<Seconds>& back() const { return back_; }
  // What runs is abandoned and all KV caches are lost; the requests wait here.
  void fail(std::optional<Seconds> back);
  // It fails once more before it is back.
  void postpone(std::optional<Seconds> back);
  // Its failure is known from now on: hands out the requests that wait here.
  std::vector<Interrupted> give_away();
  void restore();

 private:
  struct MicroBatch {
    std::vector<RankStep> ranks;  // [attention-DP rank]
    std::int64_t flows = 0;       // Activations on their way to the next stage.
    std::size_t from = 0;         // The stage that they left,
    Seconds sent;                 // and when.
    std::int64_t step = 0;        // Counted from 0.
    std::int64_t tokens() const;
    std::int64_t prefill_tokens() const;
    std::int64_t decode_tokens() const;
    double prefill_share() const;
  };
  // From a rank of a stage to its counterpart in the next one.
  struct Link {
    Seconds latency;
    bool across = false;  // Leaves the node.
  };
  struct StageServer {
    explicit StageServer(Stage s) : stage(std::move(s)) {}
    Stage stage;
    std::vector<Link> next;  // [rank]; empty for the last stage.
    std::deque<MicroBatch*> queue;
    MicroBatch* current = nullptr;
    StageCost cost;
    Seconds started;
    // A step that a link holds up goes on at `resumed`; `worked` of it was done before.
    Seconds resumed, worked;
    std::uint64_t end = 0;  // Number of the last date of an end; earlier ones are void.
    // Links that the stage needs, or its activations, and that are down the longest.
    std::optional<DownLink> down, way_down;

    Seconds done(Seconds now) const { return worked + std::max(Seconds(0), now - resumed); }
    bool was_held() const { return worked > Seconds(0) || resumed > started; }
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
  void book(const StageServer& server, double elapsed);
  void book_hold(const StageServer& server, Seconds held);
  Timeline* timeline() const { return index_ == 0 ? around_.timeline : nullptr; }
  Timeline::Level level(const MicroBatch& batch) const;

  const Surroundings& around_;
  std::int64_t index_ = 0;  // Among the replicas of its pool.
  std::vector<Batcher> batchers_;
  std::vector<StageServer> stages_;
  std::vector<std::unique_ptr<MicroBatch>> batches_;
  std::vector<MicroBatch*> free_;
  StepOutcome outcome_;
  std::int64_t steps_ = 0;
  bool wake_pending_ = false;
  Standing standing_ = Standing::kServing;
  std::optional<Seconds> back_;
  Seconds failed_;
  std::int64_t life_ = 0;  // Failures so far: what was sent before arrives nowhere.
};

}  // namespace moesim
