// The front of a deployment: requests arrive as the workload says and go to the attention-DP rank
// with the least work (of the prefill pool, if there is one). The run ends at the horizon, with the
// last request, or when its figures are precise; what is measured begins after the warm-up.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "sim/deployment/workload.h"
#include "sim/results/queue_series.h"
#include "sim/serving/fault_driver.h"
#include "sim/serving/kv_handover.h"
#include "sim/serving/measuring.h"
#include "sim/serving/replica.h"
#include "sim/serving/request_supply.h"

namespace moesim {

// The replicas of one role, and what they share.
struct Pool {
  Pool(const Deployment& part, const RoutingBank* bank, const MemoryLedger& ledger)
      : deployment(part), model(deployment, bank), memory(ledger) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  Deployment deployment;
  StepModel model;
  MemoryLedger memory;  // Of one attention-DP rank.
};

class Service {
 public:
  // Keeps references to all arguments. `pools`: in the order of pools_of().
  // Throws: std::invalid_argument for a closed loop without users.
  Service(std::deque<Pool>& pools, const Workload& workload, Engine& engine);

  // `progress` gets the share done, 0 to 1, after every step.
  void report_progress_to(std::function<void(double)> progress) {
    report_progress_ = std::move(progress);
  }
  // Records the steps of the first replica of each pool until the timeline is complete, which ends
  // the run. Requires: the timeline outlives this and has the pools in the same order.
  void record(CaseTimeline& timeline);
  // Sets the timers of the first arrivals and of the horizon. Call before Engine::run().
  void start();
  // Counts the steps that the end of the run cut off. Call after Engine::run().
  void close();

  // Since the window opened.
  const Records& records() const { return records_; }
  MeasuredWindow window() const { return measuring_.window(progress()); }
  // What was inside, and done, when the window opened.
  struct Before {
    std::int64_t in_flight = 0, preemptions = 0;
    TokenCounts tokens;
  };
  const Before& before() const { return before_; }
  TokenCounts token_counts() const;  // Of all batchers, since the run began.
  std::int64_t preemptions() const;
  std::int64_t in_flight() const;
  const std::vector<QueuePoint>& queue() const { return queue_.points(); }
  // Batchers of all attention-DP ranks of all replicas: those that decode, those that only prefill.
  std::vector<const Batcher*> batchers() const { return batchers_of(replicas_); }
  std::vector<const Batcher*> prefill_batchers() const { return batchers_of(prefill_replicas_); }
  bool saturated() const;

 private:
  static std::vector<const Batcher*> batchers_of(const std::deque<Replica>& replicas);
  Replica::Context context(Pool& pool, std::size_t number);
  void expect_faults(std::deque<Pool>& pools);
  void end_step(const StepOutcome& outcome);
  void arrive_open();
  void send_next();
  void ask(const Request& request);
  bool submit(const Request& request);
  void observe();
  void measure();
  void open_window();
  Measuring::Progress progress() const;
  void stop_if_done();
  void mark(RequestMark::Kind kind, std::size_t requests);
  std::int64_t waiting() const;
  bool can_decode(const Request& request) const;
  enum class Admission { kAdmitted, kTooLong, kNoReplica };
  Admission place(const Interrupted& request);
  Replica* least_loaded(Batcher*& batcher);
  void reject(const Interrupted& request);
  void fail(std::size_t pool, std::int64_t replica);
  void retry(const std::vector<Interrupted>& lost, const std::vector<Interrupted>& waiting);
  void after_restore();
  bool place_or_reject(const Interrupted& request);
  bool can_ever_decode() const;
  void reject_prompts();
  void reject_unavailable(const Interrupted& request);
  double share_done() const;

  const Workload& workload_;
  Engine& engine_;
  Records records_;
  std::vector<Replica::Context> contexts_;  // [pool]
  std::deque<Replica> replicas_;
  std::deque<Replica> prefill_replicas_;
  std::optional<KvHandover> handover_;
  std::optional<FaultDriver> faults_;
  RequestSupply supply_;
  std::int64_t pausing_ = 0;  // Users of a closed loop.
  Measuring measuring_;
  Before before_;
  std::int64_t steps_ = 0, came_ = 0, ended_ = 0;  // Since the run began.
  std::vector<std::int64_t> waiting_seen_;  // [arrival of an open workload] requests waiting.
  QueueSeries queue_;
  CaseTimeline* timeline_ = nullptr;
  std::function<void(double)> report_progress_ = [](double) {};
};

}  // namespace moesim
