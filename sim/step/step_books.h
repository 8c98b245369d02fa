// Who does what and who waits for whom among the ranks of a stage during one step. The ranks of one
// attention-DP rank go alike but for their experts; the ranks of one EP group run the same experts.
// A batch may be split into two halves, of which one travels while ranks work on the other.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hardware/kernels/kernel.h"
#include "sim/deployment/deployment.h"
#include "sim/network/collectives.h"
#include "sim/network/token_exchange.h"
#include "sim/results/step_spans.h"
#include "sim/step/work_cost.h"

namespace moesim {

class StepBooks {
 public:
  // `error`: every activity takes so much longer, at so much more power, up to the limit.
  StepBooks(const ParallelPlan& plan, const DeviceModel& device, const ModelError& error);

  // Forgets the last step. What the ranks do until close() goes to `log`, if there is one.
  void open(SpanLog* log = nullptr);
  // How much longer the kernels of each rank take in this step; empty = no longer. The ranks that
  // work alike go as the slowest of them, and the others wait.
  void slow_down(const std::vector<double>& slowness);
  SpanLog* log() const { return log_; }

  // The host prepares the step; every rank waits for it.
  void prepare(Seconds host);
  // The host prepares the next step beside this one, which cannot end before.
  void prepare_beside(Seconds host) { beside_ = host; }
  // One attention-DP rank works, or takes part in a collective of its TP group.
  void work(std::int64_t dp_rank, const WorkCost& cost, Phase phase);
  // All of a layer but routed experts, `attention` of it in the attention core.
  void work_layer(std::int64_t dp_rank, const WorkCost& cost, Seconds attention);
  // `hidden`: the part of it that went on beside work booked already.
  void communicate(std::int64_t dp_rank, const CollectiveCost& cost, Seconds hidden, Phase phase);
  // One half of the batch travels between all ranks, from when all have come this far and the half
  // before has arrived. Until then ranks can work on, without the share of each device that moves
  // the data.
  void post(std::size_t half, const CollectiveCost& cost, Phase phase, double device_share = 0);
  // All ranks wait for what was posted for this half, if anything.
  void await(std::size_t half);
  // One EP group works; close_experts() ends the phase for all when the slowest group is done.
  void work_experts(std::int64_t group, const WorkCost& cost);
  void close_experts();

  // Ends the step: all ranks meet; time and energy by rank. `exchanged`: what dispatch and combine
  // carried, if anything.
  Seconds close(const PortLoads* exchanged, std::vector<DeviceLedger>& ranks);
  // Of the step that was closed.
  const CommunicationTimes& communication() const { return times_; }
  // Bytes that the collectives of all ranks sent, and as many received.
  Bytes collective_scale_up() const;
  Bytes collective_scale_out() const;

 private:
  struct Lane {
    Seconds clock;
    Seconds wait;
    Seconds communication;      // That it waits for, ...
    Seconds hidden;             // ... and beside its work.
    Bytes scale_up, scale_out;  // Sent by each of its ranks.
    WorkCost work;
    double slowness = 1;  // Of its slowest rank.
  };
  struct GroupLane {
    Seconds phase;  // Of the experts' phase that is open.
    Seconds wait;
    WorkCost work;
    double slowness = 1;
  };

  // What was posted for a half.
  struct Journey {
    bool is_open = false;
    Phase phase = Phase::kDispatch;
    Seconds begin, time, end;
  };

  void meet();
  Seconds slowed(Seconds begin, Seconds work) const;
  std::size_t group_of(std::int64_t rank) const {
    return static_cast<std::size_t>(rank * plan_.ep / plan_.stage_ranks());
  }
  // Adds what a rank does as a member of a lane or of an EP group.
  template <class LaneOrGroup>
  void book_work(const LaneOrGroup& lane, std::int64_t rank, DeviceLedger& ledger) const;
  DeviceLedger rank_ledger(std::int64_t rank, const PortLoads* exchanged) const;
  void book_communication(const Lane& lane, std::int64_t rank, const PortLoads* exchanged,
                          DeviceLedger& ledger) const;

  // A lane's clock goes on.
  void advance(std::size_t lane, Seconds time, Phase phase);

  ParallelPlan plan_;
  const DeviceModel& device_;
  ModelError error_;
  SpanLog* log_ = nullptr;
  CommunicationTimes times_;
  Seconds host_;
  Seconds beside_;
  std::array<Journey, 2> journeys_;  // [half]
  Seconds network_free_;             // When what was posted last arrives.
  double network_share_ = 0;         // Of each device, until then.
  std::vector<Lane> lanes_;          // [DP rank]
  std::vector<GroupLane> groups_;    // [EP group]
  std::vector<double> slowness_;     // [rank]; empty = all 1.
};

}  // namespace moesim
