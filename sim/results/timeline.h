// A window of the first replica's steps, rank by rank, from which trace.json is drawn.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "sim/deployment/deployment.h"
#include "sim/step/spans.h"

namespace moesim {

// A range of steps of a replica; `last` is excluded.
struct StepWindow {
  std::int64_t first = 0, last = 0;
  std::int64_t length() const { return last - first; }
};
// By then the batch has filled.
inline constexpr StepWindow kDefaultWindow{64, 96};

// The window that the user asks for.
struct TimelineRequest {
  StepWindow steps = kDefaultWindow;
  // A run that ends inside the window shows its last steps, as many as the window has.
  bool or_latest = true;
  std::int64_t spans = 400'000;  // At most.
};

// The window that a timeline shows.
struct TimelineView {
  StepWindow steps = kDefaultWindow;
  bool or_latest = true;   // See TimelineRequest.
  std::int64_t ranks = 1;  // The first ranks of every pipeline stage.
};

// Upper bound of the spans of one rank in one step.
std::int64_t most_spans(const Deployment& deployment);
// The window cut down to the requested number of spans: first fewer steps, but at least eight; then
// fewer ranks, in whole nodes if at least one fits; then fewer steps. Requires: spans > 0.
TimelineView fitting_view(const Deployment& deployment, const TimelineRequest& request);

class Timeline {
 public:
  // One step of one pipeline stage.
  struct StageStep {
    std::int64_t step = 0, stage = 0;
    std::int64_t first_device = 0;
    Seconds begin, time;
    std::int64_t prompt_tokens = 0, decode_tokens = 0;
    std::vector<StepSpan> spans;
  };
  // The queue and cache of all attention-DP ranks of the replica before a step.
  struct Level {
    std::int64_t step = 0;
    Seconds time;
    std::int64_t waiting = 0, running = 0;  // Requests.
    std::int64_t kv_blocks = 0;             // In use.
  };
  // A transfer of activations to the next stage.
  struct Transfer {
    std::int64_t step = 0, stage = 0;  // The stage that sends.
    std::int64_t first_device = 0;
    Seconds begin, end;
  };

  Timeline(const Deployment& deployment, const TimelineView& view);

  // Whether a step may be shown; drops steps that are too old for the window.
  bool wants(std::int64_t step);
  SpanLog make_log() const;
  void add(StageStep step) { stage_steps_.push_back(std::move(step)); }
  void add(const Level& level) { levels_.push_back(level); }
  void add(const Transfer& transfer) { transfers_.push_back(transfer); }
  // A step has passed the last stage.
  void finish(std::int64_t step) { complete_ = complete_ || step + 1 >= view_.steps.last; }
  bool complete() const { return complete_; }

  const TimelineView& view() const { return view_; }
  const ParallelPlan& plan() const { return plan_; }
  PoolRole role() const { return role_; }
  const std::deque<StageStep>& stage_steps() const { return stage_steps_; }
  const std::deque<Level>& levels() const { return levels_; }
  const std::deque<Transfer>& transfers() const { return transfers_; }
  // Whether a span is one of a rank of its stage.
  bool concerns(const StepSpan& span, std::int64_t rank) const;

 private:
  TimelineView view_;
  ParallelPlan plan_;
  PoolRole role_;
  bool complete_ = false;
  std::deque<StageStep> stage_steps_;  // In order of time.
  std::deque<Level> levels_;
  std::deque<Transfer> transfers_;
};

// Number of requests that arrived, ended or were rejected at one moment.
struct RequestMark {
  enum class Kind { kArrived, kRejected, kFirstToken, kEnded };
  Kind kind = Kind::kArrived;
  Seconds time;
  std::int64_t requests = 0;
};

// The latest marks; older ones are dropped.
class RequestMarks {
 public:
  void add(RequestMark::Kind kind, Seconds time, std::int64_t requests);
  const std::deque<RequestMark>& marks() const { return marks_; }

 private:
  std::deque<RequestMark> marks_;
};

// The timelines of a case: one per pool, the one that decodes first.
struct CaseTimeline {
  std::vector<Timeline> pools;
  RequestMarks requests;
  bool complete() const;
};

}  // namespace moesim
