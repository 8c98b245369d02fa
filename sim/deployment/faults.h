// What goes wrong in a run: links and devices at a share of their speed, links that are down for a
// while, devices that fail and come back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "hardware/network/fabric_links.h"
#include "hardware/spec/device.h"
#include "hardware/spec/link_speeds.h"

namespace moesim {

// Consecutive devices of the cluster.
struct DeviceSpan {
  std::int64_t first = 0;
  std::int64_t count = 1;

  bool contains(std::int64_t device) const { return device >= first && device < first + count; }
  bool overlaps(const DeviceSpan& other) const {
    return first < other.first + other.count && other.first < first + count;
  }
};

enum class FaultPart {
  kNic,      // Of a node, in both directions.
  kScaleUp,  // All ports of a device inside its node.
  kDevice,   // Its kernels.
  kFabric,   // Links between switches, in both directions.
};

// Links between switches that go by one name, of which some cables are slow.
struct SlowFabric {
  std::string name;         // As FabricLinks::named() takes it.
  std::int64_t cables = 0;  // Of each port; 0 = all.
  double cable_speed = 1;
  std::map<std::int32_t, double> ports;      // What that leaves of each port.
  std::shared_ptr<const FabricLinks> links;  // To tell whose traffic passes them.
};
//   share of a port = 1 - (1 - cable_speed) cables / (cables that the port stands for)
// Requires: no port of that name has fewer cables.
SlowFabric slow_fabric(std::shared_ptr<const FabricLinks> links, const std::string& name,
                       std::int64_t cables, double cable_speed);

// A part at a share of its speed from one date to another. Speed 0 is a link that is down: what
// needs it waits until it is up again; what has waited for `timeout` gives up, and its replica
// starts anew, which takes `restart` and the link.
struct Slowdown {
  FaultPart part = FaultPart::kDevice;
  std::int64_t index = 0;  // NIC of the cluster, as TopologyLayout counts them, or device.
  DeviceSpan devices;      // That send through it, or the device; of the fabric: all.
  double speed = 1;        // Of the fabric: of the port that keeps least.
  Seconds from, until;     // `until` may be infinite unless the speed is 0.
  Seconds timeout, restart;
  SlowFabric fabric = {};
};

// Devices stop. The front of the service notices after `detection`; the replicas that they belong
// to serve again `restart` later.
struct Failure {
  DeviceSpan devices;
  Seconds at, detection;
  std::optional<Seconds> restart;  // Nothing: never again.
};

struct FaultSpec {
  std::vector<Slowdown> slowdowns;
  std::vector<Failure> failures;
  std::vector<Fact> facts;  // Each fault in words, and which of its times were assumed.

  bool empty() const { return slowdowns.empty() && failures.empty(); }
};

// Times where the scenario gives none; assumptions, with what is known of them:
// - the front of a service sends requests elsewhere after some health checks have failed
//   (Kubernetes probes by default every 10 s, and gives up after 3);
// - an engine starts in minutes: it loads weights, compiles and captures graphs; 2 to 10 minutes
// are
//   common for models of this size;
// - NCCL closes an InfiniBand connection after 7 retries of 4.096 us 2^20 = 4.3 s each
//   (NCCL_IB_TIMEOUT, NCCL_IB_RETRY_CNT).
inline constexpr Seconds kDetectionTime{30};
inline constexpr Seconds kRestartTime{300};
inline constexpr Seconds kLinkTimeout{30};

struct DownLink {
  FaultPart part = FaultPart::kNic;
  DeviceSpan devices;
  Seconds until, timeout, restart;
  std::vector<std::int32_t> ports = {};  // Of the fabric, ascending.
  std::shared_ptr<const FabricLinks> links = {};
};

// The state of all links and devices at one moment.
struct Conditions {
  LinkSpeeds links;                        // Those that are down count as whole.
  std::map<std::int64_t, double> devices;  // [device] Share of its speed.
  std::vector<DownLink> down;
};
Conditions conditions_at(const FaultSpec& faults, Seconds date);

}  // namespace moesim
