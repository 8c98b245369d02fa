// The timeline of one step of a pipeline stage: which rank does what when, and which ranks wait for
// which. The ranks of one attention-DP rank (a TP group) act alike except for their experts; the
// ranks of one EP group run the same experts. A batch may be split into two halves, of which one is
// on the network while the ranks work on the other.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hardware/kernels/kernel.h"
#include "sim/deployment/deployment.h"
#include "sim/network/collectives.h"
#include "sim/step/spans.h"
#include "sim/step/work_cost.h"

namespace moesim {

class StepTimeline {
 public:
  // `error`: every activity takes longer, and draws more power up to the limit, by these factors.
  StepTimeline(const ParallelPlan& plan, const DeviceModel& device, const ModelError& error);

  // Starts a new step. The activities of the ranks until close() are written to `log`, if given.
  void open(SpanLog* log = nullptr);
  // Factors by which the kernels of each rank are slower in this step; empty = full speed. Ranks
  // that act alike go at the pace of their slowest one, and the others wait.
  void slow_down(const std::vector<double>& slowness);
  SpanLog* log() const { return log_; }

  // The host prepares the step; every rank waits for it.
  void run_host(Seconds time);
  // The host prepares the next step while this one runs; this one cannot end before the host does.
  void overlap_host(Seconds time) { overlapped_host_ = time; }
  // One attention-DP rank runs kernels.
  void work(std::int64_t dp_rank, const WorkCost& cost, Phase phase);
  // All of a layer except routed experts; `attention` of it is spent in the attention core.
  void work_layer(std::int64_t dp_rank, const WorkCost& cost, Seconds attention);
  // One attention-DP rank takes part in a collective of its TP group. `hidden`: the part of it that
  // runs beside work that was added before.
  void communicate(std::int64_t dp_rank, const CollectiveCost& cost, Seconds hidden, Phase phase);
  // All ranks send one half of the batch over the network. The transfer starts when every rank has
  // come this far and the previous transfer has ended. Until it ends ranks can work on, without
  // `device_share` of each device, which moves the data.
  void post(std::size_t half, const CollectiveCost& cost, Phase phase, double device_share = 0);
  // All ranks wait for the transfer of this half, if there is one.
  void await(std::size_t half);
  // One EP group runs its experts; close_experts() ends the phase for all when the slowest group
  // is done.
  void work_experts(std::int64_t group, const WorkCost& cost);
  void close_experts();

  // Ends the step: all ranks synchronise. Returns its time; `ranks` gets time and energy by rank.
  // `exchanged`: bytes that dispatch and combine carried, or null.
  Seconds close(const PortLoads* exchanged, std::vector<DeviceLedger>& ranks);
  // The two below are of the step that was closed.
  const CommunicationTimes& communication() const { return times_; }
  // Bytes that the collectives of all ranks sent; they received as many.
  Bytes collective_scale_up() const;
  Bytes collective_scale_out() const;

 private:
  // One attention-DP rank.
  struct DpRank {
    Seconds clock;
    Seconds wait;
    Seconds communication;      // Time that it waits for, ...
    Seconds hidden;             // ... and time beside its work.
    Bytes scale_up, scale_out;  // Sent by each of its ranks.
    WorkCost work;
    double slowness = 1;  // Of its slowest rank.
  };
  struct EpGroup {
    Seconds phase;  // Time in the phase of experts that is open.
    Seconds wait;
    WorkCost work;
    double slowness = 1;
  };
  // The transfer posted for a half.
  struct Transfer {
    bool is_open = false;
    Phase phase = Phase::kDispatch;
    Seconds begin, time, end;
  };

  // Every rank waits for the last one.
  void synchronise();
  // Time added to work that begins at `begin`, because a share of the device moves data.
  Seconds slowed(Seconds begin, Seconds work) const;
  std::size_t group_of(std::int64_t rank) const {
    return static_cast<std::size_t>(rank * plan_.ep / plan_.stage_ranks());
  }
  // Adds the work that a rank does as a member of an attention-DP rank or of an EP group.
  template <class Members>
  void charge_work(const Members& members, std::int64_t rank, DeviceLedger& ledger) const;
  DeviceLedger rank_ledger(std::int64_t rank, const PortLoads* exchanged) const;
  void charge_communication(const DpRank& dp_rank, std::int64_t rank, const PortLoads* exchanged,
                            DeviceLedger& ledger) const;
  void advance(std::size_t dp_rank, Seconds time, Phase phase);

  ParallelPlan plan_;
  const DeviceModel& device_;
  ModelError error_;
  SpanLog* log_ = nullptr;
  CommunicationTimes times_;
  Seconds host_;
  Seconds overlapped_host_;
  std::array<Transfer, 2> transfers_;  // [half]
  Seconds network_free_;               // End of the last transfer.
  double network_share_ = 0;           // Of each device, until then.
  std::vector<DpRank> dp_ranks_;
  std::vector<EpGroup> groups_;
  std::vector<double> slowness_;  // [rank]; empty = full speed.
};

}  // namespace moesim
