// Applies the faults of a deployment at their dates: sets the speeds of ports and replicas, and
// makes replicas fail, be detected and be restored.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "sim/events/engine.h"
#include "sim/serving/replica.h"

namespace moesim {

class FaultDriver {
 public:
  // The replicas of one pool.
  struct PoolReplicas {
    const Deployment& deployment;
    std::deque<Replica>& replicas;
  };
  struct Hooks {
    // A replica has just failed.
    std::function<void(std::size_t pool, std::int64_t replica)> failed;
    // Failures are detected: the requests `lost` must be computed again, and those `waiting` were
    // queued at a replica that has failed again.
    std::function<void(const std::vector<Interrupted>& lost,
                       const std::vector<Interrupted>& waiting)>
        detected;
    std::function<void()> restored;
  };

  // Keeps references to all.
  FaultDriver(const FaultSpec& faults, Engine& engine, std::vector<PoolReplicas> pools,
              Hooks hooks);
  FaultDriver(const FaultDriver&) = delete;
  FaultDriver& operator=(const FaultDriver&) = delete;

  // Sets the timers of all faults.
  void start();
  // A replica has waited for a link until the timeout: it restarts, which needs that link.
  void give_up(std::size_t pool, std::int64_t replica, const DownLink& link);

 private:
  void change(const Slowdown& slowdown);
  void change_fabric(const Slowdown& slowdown, const Conditions& conditions);
  void fail(const Failure& failure);
  void fail(std::size_t pool, std::int64_t replica, std::optional<Seconds> restored_at);
  void detect(const std::vector<Replica*>& replicas);
  void restore(Replica& replica);
  std::vector<std::int32_t> ports_of(const Slowdown& slowdown) const;

  const FaultSpec& faults_;
  Engine& engine_;
  std::vector<PoolReplicas> pools_;
  Hooks hooks_;
};

}  // namespace moesim
