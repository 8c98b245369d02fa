// Why two cases differ: the difference in cost and in time per output token, split into parts that
// add up to it exactly and change sign when the cases change places.
#pragma once

#include <array>
#include <cstddef>

#include "reports/results/case_report.h"

namespace moesim {

enum class CostPart {
  kCompute,
  kHbm,
  kNetwork,
  kLaunches,
  kImbalance,
  kLowBatchOccupancy,
  kQueueing,
  kKvCachePressure,
  kIdle,
  kUnallocated,
  kPrice,
};
inline constexpr std::size_t kNumCostParts = 11;

enum class ExplainedQuantity { kCost, kDeviceTime, kTime };

struct Explanation {
  ExplainedQuantity quantity =
      ExplainedQuantity::kCost;  // Per million output tokens, or per token.
  double a = 0, b = 0;           // USD or s.
  // Of b from a, by CostPart. Sum = b - a.
  std::array<double, kNumCostParts> parts{};

  double difference() const { return b - a; }
  // By more than rounding leaves.
  bool differs() const;
};

// Every device-second that is paid for goes to one activity x, and costs what any other does:
//   c = p sum over x of t_x,   t_x = device-seconds of x per output token,   p = price of one
// A difference of products is split at the middle, which is its Shapley value for two factors:
//   c_b - c_a = sum over x of (p_a + p_b)/2 (t_x,b - t_x,a)  +  (t_a + t_b)/2 (p_b - p_a)
// the last being the price's part. Two things lie across the activities and are taken out of them:
//   work done again after preemptions, the share r = recomputed / all processed tokens of busy
//   time:
//     KV-cache pressure;
//   what a step pays once whatever its batch n, in sequences per device (reading weights: HBM time
//     times weights over weights and KV cache read; launches), s_x = n t_x: the part
//     (s_a + s_b)/2 (1/n_b - 1/n_a) is the batch's. It is KV-cache pressure where the KV pool of
//     the smaller batch was full (95 % at the peak, or preemptions), else low batch occupancy:
//     traffic or the engine's own limits. A faster device empties its batches too: it pays for that
//     here and gains more in the other parts. An MoE's smaller batch also hits fewer experts, and
//     reads them alone: that is HBM's.
// Queueing is 0 here: a waiting request takes time, but no device-second.
// Without a price of both, in device-seconds instead. Requires: both done, with output tokens.
Explanation explain_cost(const CaseReport& a, const CaseReport& b);

// Mean end-to-end time per output token. Waiting is (Little's law) the mean number of waiting
// requests times horizon over arrivals: KV-cache pressure where the KV pool was full, else
// queueing. The rest is split as the device time inside steps is. Low batch occupancy is 0 here: a
// request in a smaller batch has shorter steps, and the other parts show that.
Explanation explain_time(const CaseReport& a, const CaseReport& b);

// Whether the two have what the explanations need.
bool can_explain(const CaseReport& a, const CaseReport& b);

// The part that goes furthest in the direction of the whole difference.
CostPart main_part(const Explanation& explanation);

}  // namespace moesim
