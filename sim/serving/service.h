// The front of a deployment: requests arrive as the workload says and go to the attention-DP rank
// with the least work (of the prefill pool, where there is one); the run ends with the last request
// or at the horizon.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "sim/deployment/workload.h"
#include "sim/serving/fault_driver.h"
#include "sim/serving/kv_handover.h"
#include "sim/serving/replica.h"

namespace moesim {

// The workers that do one thing.
struct Pool {
  Pool(const Deployment& part, const RoutingBank* bank, std::int64_t blocks)
      : deployment(part), model(deployment, bank), kv_blocks(blocks) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  Deployment deployment;
  StepModel model;
  std::int64_t kv_blocks;  // Of one attention-DP rank.
};

class Service {
 public:
  // Keeps references to all. `pools`: in the order of pools_of().
  // Throws: std::invalid_argument for a closed loop without users.
  Service(std::deque<Pool>& pools, const Workload& workload, Engine& engine);

  // Told the share done, 0 to 1, after every step.
  void report_progress_to(std::function<void(double)> progress) { progress_ = std::move(progress); }
  // Records what the first replica of each pool does, until the timeline is complete: that ends the
  // run. Requires: the timeline outlives this, and has the pools in the same order.
  void record(CaseTimeline& timeline);
  // Sets the first arrivals and the horizon; then the engine runs.
  void start();
  // After the engine stopped: books what was cut off.
  void close();

  const Records& records() const { return records_; }
  const std::vector<QueuePoint>& queue() const { return queue_.points(); }
  // Of every attention-DP rank of every replica, without or of a prefill pool.
  std::vector<const Batcher*> batchers() const { return batchers_of(replicas_); }
  std::vector<const Batcher*> prefill_batchers() const { return batchers_of(prefill_replicas_); }
  bool saturated() const;

 private:
  static std::vector<const Batcher*> batchers_of(const std::deque<Replica>& replicas);
  Replica::Surroundings surroundings(Pool& pool, std::size_t number);
  void expect_faults(std::deque<Pool>& pools);
  void end_step(const StepOutcome& outcome);
  void arrive_open();
  void send_next();
  void submit(const Request& request);
  void observe();
  void stop_if_done();
  void mark(RequestMark::Kind kind, std::size_t requests);
  std::int64_t waiting() const;
  bool exceeds_context(const Request& request) const;
  bool can_decode(const Request& request) const;
  enum class Placing { kTaken, kTooLong, kNobodyLeft };
  Placing place(const Interrupted& request);
  Replica* host(Batcher*& batcher);
  void reject(const Interrupted& request);
  void fail(std::size_t pool, std::int64_t replica);
  void retry(const std::vector<Interrupted>& lost, const std::vector<Interrupted>& waiting);
  void welcome_back();
  bool place_or_refuse(const Interrupted& request);
  bool can_ever_decode() const;
  void refuse_prompts();
  void refuse(const Interrupted& request);
  double share_done() const;

  const Workload& workload_;
  Engine& engine_;
  Records records_;
  std::vector<Replica::Surroundings> surroundings_;  // [pool]
  std::deque<Replica> replicas_;
  std::deque<Replica> prefill_replicas_;
  std::optional<KvHandover> handover_;
  std::optional<FaultDriver> faults_;
  std::size_t next_ = 0;                    // Of workload_.requests.
  std::vector<std::int64_t> waiting_seen_;  // By each arrival of an open workload.
  QueueSeries queue_;
  CaseTimeline* timeline_ = nullptr;
  std::function<void(double)> progress_ = [](double) {};
};

}  // namespace moesim
