// The faults of a run: links and devices at reduced speed, links that are down for some time,
// devices that fail and may be restored.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "base/words.h"
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
template <>
inline constexpr auto kWords<FaultPart> = enum_words<FaultPart>({
    {FaultPart::kNic, "nic"},
    {FaultPart::kScaleUp, "scale-up"},
    {FaultPart::kDevice, "gpu"},
    {FaultPart::kFabric, "fabric"},
});

// Parts that are links.
inline constexpr std::array kLinkParts = {FaultPart::kNic, FaultPart::kScaleUp, FaultPart::kFabric};

// Links between switches of one name, some cables of which are slow.
struct SlowFabric {
  std::string name;         // For FabricLinks::named().
  std::int64_t cables = 0;  // Slow cables of each port; 0 = all.
  double cable_speed = 1;
  std::map<std::int32_t, double> ports;      // Share of its bandwidth that each port keeps.
  std::shared_ptr<const FabricLinks> links;  // Tells which traffic passes the ports.
};
//   share of a port = 1 - (1 - cable_speed) cables / (cables that the port stands for)
// Requires: no port of that name has fewer cables.
SlowFabric slow_fabric(std::shared_ptr<const FabricLinks> links, const std::string& name,
                       std::int64_t cables, double cable_speed);

// A part at a share of its speed between two dates. Speed 0 is a link that is down: steps and
// transfers that need it wait until it is up again. After `timeout` they give up and their replica
// restarts, which takes `restart` and needs the link.
struct Slowdown {
  FaultPart part = FaultPart::kDevice;
  std::int64_t index = 0;  // NIC of the cluster (as TopologyLayout counts them), or device.
  DeviceSpan devices;      // The devices that send through it, or the device; kFabric: all.
  double speed = 1;        // kFabric: of the port with the smallest share.
  Seconds from, until;     // `until` may be infinite unless the speed is 0.
  Seconds timeout, restart;
  SlowFabric fabric = {};
};

// Devices stop. The service detects it after `detection`; the replicas of these devices serve again
// `restart` later.
struct Failure {
  DeviceSpan devices;
  Seconds at, detection;
  std::optional<Seconds> restart;  // Nothing = never.
};

struct FaultSpec {
  std::vector<Slowdown> slowdowns;
  std::vector<Failure> failures;
  std::vector<Fact> facts;  // Each fault as text, and its assumed times.

  bool empty() const { return slowdowns.empty() && failures.empty(); }
};

// Defaults of a scenario, assumed:
// - kDetectionTime: a load balancer sends requests elsewhere after some failed health checks
//   (Kubernetes probes by default every 10 s and gives up after 3);
// - kRestartTime: an engine loads weights, compiles and captures graphs; 2 to 10 minutes are common
//   for models of this size;
// - kLinkTimeout: NCCL closes an InfiniBand connection after 7 retries of 4.096 us 2^20 = 4.3 s
// each
//   (NCCL_IB_TIMEOUT, NCCL_IB_RETRY_CNT).
inline constexpr Seconds kDetectionTime{30};
inline constexpr Seconds kRestartTime{300};
inline constexpr Seconds kLinkTimeout{30};

struct DownLink {
  FaultPart part = FaultPart::kNic;
  DeviceSpan devices;
  Seconds until, timeout, restart;
  std::vector<std::int32_t> ports = {};  // kFabric: the ports, ascending.
  std::shared_ptr<const FabricLinks> links = {};
};

// The state of all links and devices at one moment.
struct Conditions {
  LinkSpeeds links;                        // Links that are down count as full speed.
  std::map<std::int64_t, double> devices;  // [device] Share of its speed.
  std::vector<DownLink> down;
};
Conditions conditions_at(const FaultSpec& faults, Seconds date);

}  // namespace moesim
