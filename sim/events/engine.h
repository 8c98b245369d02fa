// The event engine: a clock, timers, and transfers that share the cluster's ports. SimGrid does the
// work; nothing outside sim/events knows that. One process can run one Engine in its life.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/units.h"
#include "hardware/network/topology.h"

namespace moesim {

// Run time: about 0.3 us per timed action and 2 us per transfer while few are under way; 32
// transfers that share ports take 4 us each, 256 of them 90 us, 1000 of them 330 us (whenever one
// ends, all shared ports are solved again).
class Engine {
 public:
  // Requires: the topology outlives the Engine.
  // Throws: std::logic_error if this process already had an Engine; std::invalid_argument for a
  // port without bandwidth.
  explicit Engine(const Topology& topology);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Seconds now() const;
  // Calls `action` at a date (not before now) or after a delay; actions of equal dates run in the
  // order of these calls. Sums of delays do not drift: rounding is carried along (the end of a
  // transfer is exact to 1 ps before 1000 s and to 1 ns after).
  // Throws: std::logic_error for a date in the past or an infinite one.
  void at(Seconds date, std::function<void()> action);
  void after(Seconds delay, std::function<void()> action);
  // Sends bytes from device to device along the topology's route, then calls `action`. Transfers
  // share each port fairly. `latency` passes first and uses no port; a transfer of no bytes or from
  // a device to itself takes nothing else. Throws: std::logic_error for an unknown device.
  void transfer(std::int64_t from, std::int64_t to, Bytes bytes, Seconds latency,
                std::function<void()> action);
  // Sets the share of its bandwidth that a port carries from now on; 0 = it is down, and transfers
  // through it wait until it is up again. Throws: std::logic_error for an unknown port or a share
  // outside 0 to 1.
  void set_port_speed(std::int32_t port, double share);
  const Topology& topology() const;
  // Runs until no event is left or stop() was called. Rethrows an exception of an action. Both are
  // final: pending events are dropped, and later calls of at, after and transfer do nothing.
  void run();
  void stop();
  // Largest share of its capacity that any port has carried so far (never above 1). For tests.
  double peak_port_share() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moesim
