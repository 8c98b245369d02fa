// Makes the faults of a deployment happen: tells ports and replicas how fast they are, and has
// replicas fail, be found out and come back.
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
  struct Crew {
    const Deployment& deployment;
    std::deque<Replica>& replicas;
  };
  struct Hooks {
    // A replica has just failed.
    std::function<void(std::size_t pool, std::int64_t replica)> failed;
    // Failures are known: these requests have lost what was computed for them, and those waited for
    // a replica that has failed once more.
    std::function<void(const std::vector<Interrupted>& lost,
                       const std::vector<Interrupted>& waiting)>
        noticed;
    std::function<void()> restored;
  };

  // Keeps references to all.
  FaultDriver(const FaultSpec& faults, Engine& engine, std::vector<Crew> crews, Hooks hooks);
  FaultDriver(const FaultDriver&) = delete;
  FaultDriver& operator=(const FaultDriver&) = delete;

  // Sets the dates of all faults.
  void start();
  // A replica has waited too long for a link: it starts anew, which takes the link.
  void give_up(std::size_t pool, std::int64_t replica, const DownLink& link);

 private:
  void change(const Slowdown& slowdown);
  void change_fabric(const Slowdown& slowdown, const Conditions& conditions);
  void fail(const Failure& failure);
  void fail(std::size_t pool, std::int64_t replica, std::optional<Seconds> back);
  void notice(const std::vector<Replica*>& replicas);
  void restore(Replica& replica);
  std::vector<std::int32_t> ports_of(const Slowdown& slowdown) const;

  const FaultSpec& faults_;
  Engine& engine_;
  std::vector<Crew> crews_;
  Hooks hooks_;
};

}  // namespace moesim
