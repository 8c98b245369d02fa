// A window of the first replica's steps, rank by rank: the raw material of trace.json.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "sim/deployment/deployment.h"
#include "sim/step/spans.h"

namespace moesim {

// Which steps of a replica; the last one is excluded.
struct StepWindow {
  std::int64_t first = 0, last = 0;
  std::int64_t length() const { return last - first; }
};
// By default the steps from here on: the batch has filled by then.
inline constexpr StepWindow kDefaultWindow{64, 96};

// What somebody wants to see.
struct TimelineRequest {
  StepWindow steps = kDefaultWindow;
  // A run that ends before the window does shows its last steps, as many as the window has.
  bool or_latest = true;
  std::int64_t spans = 400'000;  // At most so many.
};

// What a timeline shows.
struct TimelineView {
  StepWindow steps = kDefaultWindow;
  bool or_latest = true;   // See TimelineRequest.
  std::int64_t ranks = 1;  // The first ones of every pipeline stage.
};

// Spans that one rank has in one step, at most.
std::int64_t most_spans(const Deployment& deployment);
// The window as far as the spans go: fewer steps down to eight, then fewer ranks (whole nodes,
// as long as one fits), then fewer steps. Requires: spans > 0.
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
  // Before a step: of all attention-DP ranks of the replica.
  struct Level {
    std::int64_t step = 0;
    Seconds time;
    std::int64_t waiting = 0, running = 0;  // Requests.
    std::int64_t kv_blocks = 0;             // In use.
  };
  // A transfer of activations to the next stage.
  struct Transfer {
    std::int64_t step = 0, stage = 0;  // From this stage.
    std::int64_t first_device = 0;
    Seconds begin, end;
  };

  Timeline(const Deployment& deployment, const TimelineView& view);

  // Whether a step may be shown; what is too old for the window is dropped.
  bool wants(std::int64_t step);
  SpanLog make_log() const;
  void add(StageStep step) { stage_steps_.push_back(std::move(step)); }
  void add(const Level& level) { levels_.push_back(level); }
  void add(const Transfer& transfer) { transfers_.push_back(transfer); }
  // A step passed the last stage.
  void finish(std::int64_t step) { complete_ = complete_ || step + 1 >= view_.steps.last; }
  bool complete() const { return complete_; }

  const TimelineView& view() const { return view_; }
  const ParallelPlan& plan() const { return plan_; }
  PoolRole role() const { return role_; }
  const std::deque<StageStep>& stage_steps() const { return stage_steps_; }
  const std::deque<Level>& levels() const { return levels_; }
  const std::deque<Transfer>& transfers() const { return transfers_; }
  // Whether a span is the time of a rank (of its stage).
  bool concerns(const StepSpan& span, std::int64_t rank) const;

 private:
  TimelineView view_;
  ParallelPlan plan_;
  PoolRole role_;
  bool complete_ = false;
  std::deque<StageStep> stage_steps_;  // In order of their begin.
  std::deque<Level> levels_;
  std::deque<Transfer> transfers_;
};

// Requests that arrived or ended at one moment.
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

// All of a case: one timeline per pool, what decodes first.
struct CaseTimeline {
  std::vector<Timeline> pools;
  RequestMarks requests;
  bool complete() const;
};

}  // namespace moesim
