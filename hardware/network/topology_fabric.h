// The network between nodes, one class for each family of fabrics. All wire and route by rule, so
// that their memory grows with switches and links and never with pairs of endpoints.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "hardware/network/cluster_check.h"
#include "hardware/spec/device.h"

namespace moesim {

// The endpoints of a fabric. Endpoint = node * rails + rail: several NICs of one device act as one,
// several devices that share a NIC have one endpoint.
struct FabricEnds {
  std::int64_t nodes = 0;
  std::int64_t rails = 0;
  BytesPerSecond bandwidth;  // Of an endpoint, per direction.
  std::int64_t cables = 1;   // Of an endpoint; each takes a switch port.

  std::int64_t count() const { return nodes * rails; }
};

// One direction of one or more links between two switches.
struct FabricPort {
  std::int32_t from = 0;
  std::int32_t to = 0;
  BytesPerSecond bandwidth;
};

// Parts to buy. Bisection: bandwidth from one half of the endpoints to the other
// in one direction, at the worst cut between equal halves along its structure.
struct FabricBill {
  std::int64_t switches = 0;
  std::int64_t cables = 0;
  BytesPerSecond bisection;
};

class Fabric {
 public:
  virtual ~Fabric() = default;

  std::int64_t num_switches() const { return num_switches_; }
  const std::vector<FabricPort>& ports() const { return ports_; }
  virtual std::string port_name(std::int32_t port) const = 0;
  // Parallel cables that one port stands for.
  virtual std::int64_t cables(std::int32_t /*port*/) const { return 1; }
  virtual std::int32_t switch_of(std::int64_t endpoint) const = 0;
  // Adds the ports between the switches of two endpoints in order. Deterministic.
  virtual void append_route(std::int64_t from, std::int64_t to,
                            std::vector<std::int32_t>& route) const = 0;
  virtual FabricBill bill() const = 0;
  // Bandwidth of every endpoint of a group when all send at once in ring collectives, where the
  // family has a better way than one ring in the order given.
  virtual std::optional<BytesPerSecond> ring_bandwidth(
      std::span<const std::int64_t> /*endpoints*/) const {
    return std::nullopt;
  }

 protected:
  void set_num_switches(std::int64_t count) { num_switches_ = count; }
  void add_port(std::int64_t from, std::int64_t to, BytesPerSecond bandwidth) {
    ports_.push_back({static_cast<std::int32_t>(from), static_cast<std::int32_t>(to), bandwidth});
  }
  std::int32_t next_port() const { return static_cast<std::int32_t>(ports_.size()); }

 private:
  std::int64_t num_switches_ = 0;  // Vertices: switches, routers, or planes of equal switches.
  std::vector<FabricPort> ports_;
};

// a / b rounded up. Requires: a >= 0, b > 0.
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Looks random, and is the same for the same ends on every machine (splitmix64).
std::uint64_t flow_hash(std::int64_t from, std::int64_t to);

// The endpoints that a cluster's NICs form. Requires: NICs, and devices and NICs divide each other.
FabricEnds fabric_ends(const ClusterSpec& cluster);

// Of each family: the reasons why it cannot be built, and the fabric. Requires for the second:
// none.
std::vector<ClusterFault> fat_tree_faults(const FabricEnds& ends, const FabricSpec& spec);
std::unique_ptr<Fabric> make_fat_tree(const FabricEnds& ends, const FabricSpec& spec);
std::vector<ClusterFault> dragonfly_faults(const FabricEnds& ends, const FabricSpec& spec);
std::unique_ptr<Fabric> make_dragonfly(const FabricEnds& ends, const FabricSpec& spec);
std::vector<ClusterFault> torus_faults(const FabricEnds& ends, const FabricSpec& spec);
std::unique_ptr<Fabric> make_torus(const FabricEnds& ends, const FabricSpec& spec);

// The cluster's fabric. Requires: several nodes, no cluster_faults().
std::unique_ptr<Fabric> make_fabric(const ClusterSpec& cluster);

}  // namespace moesim
