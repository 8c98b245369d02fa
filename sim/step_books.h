// Who does what and who waits for whom among the ranks of a stage during one step. The ranks of one
// attention-DP rank go alike but for their experts; the ranks of one EP group run the same experts.
#pragma once

#include <cstdint>
#include <vector>

#include "hardware/kernel.h"
#include "sim/collectives.h"
#include "sim/deployment.h"
#include "sim/step_spans.h"
#include "sim/token_exchange.h"
#include "sim/work_cost.h"

namespace moesim {

class StepBooks {
 public:
  // `error`: every activity takes so much longer, at so much more power, up to the limit.
  StepBooks(const ParallelPlan& plan, const DeviceModel& device, const ModelError& error);

  // Forgets the last step. What the ranks do until close() goes to `log`, if there is one.
  void open(SpanLog* log = nullptr);
  SpanLog* log() const { return log_; }

  // The host prepares the step; every rank waits for it.
  void prepare(Seconds host);
  // The host prepares the next step beside this one, which cannot end before.
  void prepare_beside(Seconds host) { beside_ = host; }
  // One attention-DP rank works, or takes part in a collective of its TP group.
  void work(std::int64_t dp_rank, const WorkCost& cost, Phase phase);
  // All of a layer but routed experts, `attention` of it in the attention core.
  void work_layer(std::int64_t dp_rank, const WorkCost& cost, Seconds attention);
  void communicate(std::int64_t dp_rank, const CollectiveCost& cost, Phase phase);
  // All ranks wait for the slowest.
  void meet();
  // All ranks exchange something after they met.
  void communicate_all(const CollectiveCost& cost, Phase phase);
  // One EP group works; close_experts() ends the phase for all when the slowest group is done.
  void work_experts(std::int64_t group, const WorkCost& cost);
  void close_experts();

  // Ends the step: all ranks meet; time and energy by rank. `exchanged`: what dispatch and combine
  // carried, if anything.
  Seconds close(const PortLoads* exchanged, std::vector<DeviceLedger>& ranks);
  // Bytes that the collectives of all ranks sent, and as many received.
  Bytes collective_scale_up() const;
  Bytes collective_scale_out() const;

 private:
  struct Lane {
    Seconds clock;
    Seconds wait;
    Seconds communication;
    Bytes scale_up, scale_out;  // Sent by each of its ranks.
    WorkCost work;
  };
  struct GroupLane {
    Seconds phase;  // Of the experts' phase that is open.
    Seconds wait;
    WorkCost work;
  };

  DeviceLedger rank_ledger(std::int64_t rank, const PortLoads* exchanged) const;
  void book_communication(const Lane& lane, std::int64_t rank, const PortLoads* exchanged,
                          DeviceLedger& ledger) const;

  // A lane's clock goes on.
  void advance(std::size_t lane, Seconds time, Phase phase);

  ParallelPlan plan_;
  const DeviceModel& device_;
  ModelError error_;
  SpanLog* log_ = nullptr;
  Seconds host_;
  Seconds beside_;
  std::vector<Lane> lanes_;        // [DP rank]
  std::vector<GroupLane> groups_;  // [EP group]
};

}  // namespace moesim
