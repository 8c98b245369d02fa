// The front of a deployment: requests arrive as the workload says and go to the attention-DP rank
// with the least work; the run ends with the last request or at the horizon.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "sim/replica.h"
#include "sim/workload.h"

namespace moesim {

class Service {
 public:
  // Keeps references to all. `kv_blocks`: of one attention-DP rank.
  // Throws: std::invalid_argument for a closed loop without users.
  Service(const Deployment& deployment, const Workload& workload, StepModel& model, Engine& engine,
          std::int64_t kv_blocks);

  // Told the share done, 0 to 1, after every step.
  void report_progress_to(std::function<void(double)> progress) { progress_ = std::move(progress); }
  // Sets the first arrivals and the horizon; then the engine runs.
  void start();
  // After the engine stopped: books what was cut off.
  void close();

  const Records& records() const { return records_; }
  const std::vector<QueuePoint>& queue() const { return queue_.points(); }
  // Of every attention-DP rank of every replica.
  std::vector<const Batcher*> batchers() const;
  bool saturated() const;

 private:
  void arrive_open();
  void send_next();
  void submit(const Request& request);
  void observe();
  void stop_if_done();
  std::int64_t waiting() const;
  bool exceeds_context(const Request& request) const;
  void reject(const Request& request);
  double share_done() const;

  const Workload& workload_;
  Engine& engine_;
  Records records_;
  Replica::Surroundings surroundings_;
  std::deque<Replica> replicas_;
  std::size_t next_ = 0;                    // Of workload_.requests.
  std::vector<std::int64_t> waiting_seen_;  // By each arrival of an open workload.
  QueueSeries queue_;
  std::function<void(double)> progress_ = [](double) {};
};

}  // namespace moesim
