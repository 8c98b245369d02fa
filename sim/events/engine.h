// The event engine: a clock, timers, and transfers that share the cluster's ports. SimGrid does the
// work; nothing outside sim/engine*.cpp knows that. One process can run one Engine in its life.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/units.h"
#include "hardware/network/topology.h"

namespace moesim {

// Costs about 0.3 us per timed action and 2 us per transfer while few are under way; 32 transfers
// that share ports cost 4 us each, 256 of them 90 us, 1000 of them 330 us (each end shares all
// ports anew).
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
  // Calls `action` at a date (not before now) or after a delay; equal dates run in order of these
  // calls. Sums of delays do not drift: rounding is carried along (a transfer's end is exact to 1
  // ps before 1000 s and to 1 ns after). Throws: std::logic_error for a date in the past or none.
  void at(Seconds date, std::function<void()> action);
  void after(Seconds delay, std::function<void()> action);
  // Sends bytes from device to device along the topology's route, sharing each port fairly with
  // every other transfer, then calls `action`. `latency` is paid first and shares nothing; a
  // transfer of no bytes or to itself takes nothing else. Throws: std::logic_error for no such
  // device.
  void transfer(std::int64_t from, std::int64_t to, Bytes bytes, Seconds latency,
                std::function<void()> action);
  // A port carries only this share of its bandwidth from now on; 0 = it is down, and transfers
  // through it wait until it is up again. Throws: std::logic_error for no such port or share.
  void set_port_speed(std::int32_t port, double share);
  const Topology& topology() const;
  // Runs until no event is left or stop() was called. Exceptions thrown by actions come out of
  // here. Both are final: what was planned is dropped, and later calls of at, after and transfer do
  // nothing.
  void run();
  void stop();
  // Largest share of its capacity that any port carried so far (never above 1; for tests).
  double peak_port_share() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moesim
