// What the ranks of a stage did when in one step: written by StepBooks where somebody watches, and
// drawn as a timeline.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "sim/deployment/all_reduce.h"

namespace moesim {

enum class Phase {
  kHost,         // The host prepares the step.
  kWeightMoves,  // Experts that are rebalanced travel.
  kEmbedding,
  kAttention,  // Attention core.
  kLinear,     // Everything else of a layer but routed experts: projections, dense FFN, gate.
  kAllReduce,
  kDispatch,
  kGather,  // All tokens to all ranks, where they do not travel to their experts.
  kExperts,
  kCombine,
  kScatter,  // And back.
  kHead,
  kWait,  // For a rank with more to do.
};
inline constexpr int kNumPhases = 13;

// As the timeline names them: "all-reduce".
std::string_view phase_name(Phase phase);
// Whether ranks exchange bytes in it.
bool is_communication(Phase phase);

// Rank-seconds that ranks see of each phase that is communication, and of all that they do.
struct CommunicationTimes {
  std::array<Seconds, kNumPhases> phases{};
  Seconds total;
  Seconds dispatching;                               // Of one rank, with what goes on beside work.
  std::array<double, kNumAllReduces> all_reduces{};  // How many TP groups ran, by algorithm.
};

struct StepSpan {
  Phase phase = Phase::kHost;
  bool of_group = false;    // Of an EP group, else of an attention-DP rank ...
  std::int32_t member = 0;  // ... with this index.
  std::int32_t layer = -1;  // Of the model; -1 = outside all layers.
  Seconds begin, end;       // Since the step began.
};

// The spans of one step, in the order of each rank's time; those without duration are left out.
class SpanLog {
 public:
  // Of the first `lanes` attention-DP ranks and `groups` EP groups.
  SpanLog(std::int64_t lanes, std::int64_t groups) : lanes_(lanes), groups_(groups) {}

  void enter_layer(std::int64_t layer) { layer_ = static_cast<std::int32_t>(layer); }
  void add_lane(Phase phase, std::int64_t lane, Seconds begin, Seconds end) {
    if (lane < lanes_) add({phase, false, static_cast<std::int32_t>(lane), layer_, begin, end});
  }
  void add_group(Phase phase, std::int64_t group, Seconds begin, Seconds end) {
    if (group < groups_) add({phase, true, static_cast<std::int32_t>(group), layer_, begin, end});
  }
  // Everything took so many times as long.
  void stretch(double factor);
  const std::vector<StepSpan>& spans() const { return spans_; }

 private:
  void add(const StepSpan& span) {
    if (span.end > span.begin) spans_.push_back(span);
  }

  std::int64_t lanes_, groups_;
  std::int32_t layer_ = -1;
  std::vector<StepSpan> spans_;
};

}  // namespace moesim
