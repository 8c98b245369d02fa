// The spans of one step: what every rank of a stage does when. Written by StepTimeline on request
// and drawn as a timeline.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/enum_array.h"
#include "base/units.h"
#include "sim/deployment/all_reduce.h"

namespace moesim {

enum class Phase {
  kHost,         // The host prepares the step.
  kWeightMoves,  // Expert weights move to other devices (rebalancing).
  kEmbedding,
  kAttention,  // Attention core.
  kLinear,     // Everything else of a layer except routed experts: projections, dense FFN, gate.
  kAllReduce,
  kDispatch,
  kGather,  // All tokens to all ranks, where dispatch does not send them to their experts.
  kExperts,
  kCombine,
  kScatter,  // The way back of kGather.
  kHead,
  kWait,  // For a rank that has more work.
};
inline constexpr int kNumPhases = 13;
template <>
inline constexpr std::size_t kNumEnumerators<Phase> = kNumPhases;

// The name in a timeline: "all-reduce".
std::string_view phase_name(Phase phase);
// Whether ranks exchange bytes in this phase.
bool is_communication(Phase phase);

// Time that ranks spend in each phase of communication, and in the whole step. In rank-seconds.
struct CommunicationTimes {
  EnumArray<Phase, Seconds> phases{};
  Seconds total;
  Seconds dispatching;  // Of one rank; includes dispatches that run beside work.
  EnumArray<AllReduce, double> all_reduces{};  // How many TP groups ran each algorithm.

  // Adds `share` of the times of another step, except `dispatching`.
  void add(const CommunicationTimes& other, double share);
};

struct StepSpan {
  Phase phase = Phase::kHost;
  bool of_group = false;    // Of an EP group; else of an attention-DP rank.
  std::int32_t member = 0;  // Index of that group or rank.
  std::int32_t layer = -1;  // Of the model; -1 = outside all layers.
  Seconds begin, end;       // Since the step began.
};

// The spans of one step, those of each rank in order of time. Spans without duration are left out.
class SpanLog {
 public:
  // Keeps the first `dp_ranks` attention-DP ranks and the first `groups` EP groups.
  SpanLog(std::int64_t dp_ranks, std::int64_t groups) : dp_ranks_(dp_ranks), groups_(groups) {}

  void enter_layer(std::int64_t layer) { layer_ = static_cast<std::int32_t>(layer); }
  void add_dp_rank(Phase phase, std::int64_t dp_rank, Seconds begin, Seconds end) {
    if (dp_rank >= dp_ranks_) return;
    add({phase, false, static_cast<std::int32_t>(dp_rank), layer_, begin, end});
  }
  void add_group(Phase phase, std::int64_t group, Seconds begin, Seconds end) {
    if (group < groups_) add({phase, true, static_cast<std::int32_t>(group), layer_, begin, end});
  }
  // Multiplies all times by a factor.
  void stretch(double factor);
  const std::vector<StepSpan>& spans() const { return spans_; }

 private:
  void add(const StepSpan& span) {
    if (span.end > span.begin) spans_.push_back(span);
  }

  std::int64_t dp_ranks_, groups_;
  std::int32_t layer_ = -1;
  std::vector<StepSpan> spans_;
};

}  // namespace moesim
