#include "scenarios/format/read_faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "hardware/network/cluster_check.h"
#include "hardware/network/topology_layout.h"
#include "scenarios/format/keys/fault_keys.h"

namespace moesim {
namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

// A default and what is known of it.
struct Assumed {
  Seconds time;
  const char* source;
};
constexpr Assumed kDetection = {
    kDetectionTime, "Kubernetes probes every 10 s and gives up after 3 failures by default"};
constexpr Assumed kRestart = {
    kRestartTime,
    "engines load weights, compile and capture graphs for 2 to 10 minutes (assumed middle)"};
constexpr Assumed kTimeout = {
    kLinkTimeout,
    "NCCL's InfiniBand transport: 7 retries of 4.096 us x 2^20 (NCCL user guide, NCCL_IB_TIMEOUT)"};

// What an entry concerns and when, in words; `index` tells entries of one list apart.
struct Interval {
  double from = 0, until = kForever;
  bool overlaps(const Interval& other) const { return from < other.until && other.from < until; }
};

struct FaultReader {
  MapReader reader;
  Faults& contradictions;
  const Deployment& deployment;
  FaultSpec& spec;
  FaultEntry entry = {};
  std::size_t before = 0;  // Faults of text so far.

  const ClusterSpec& cluster() const { return deployment.cluster; }

  void contradict(const std::string& key, const std::string& shown, const std::string& allowed) {
    const auto place = reader.optional(key);
    const Value& where = place ? *place : reader.value();
    contradictions.add({where.file(), where.line(), where.path(), shown, allowed});
  }

  // Reads a key into the entry. False where it is left out or refused.
  bool read_key(const char* key) { return moesim::read_key(reader, fault_keys().keys, key, entry); }

  // A number from 0 to `count` - 1; nothing after a fault.
  std::optional<std::int64_t> number(const std::string& key,
                                     std::optional<std::int64_t> FaultEntry::*member,
                                     std::int64_t count, const std::string& what) {
    reader.required(key, fmt::format("{}, counted from 0", what));
    if (!read_key(key.c_str())) return std::nullopt;
    const std::int64_t found = (entry.*member).value();
    if (found < count) return found;
    contradict(key, std::to_string(found),
               fmt::format("there is no such {}; allowed: 0 to {}", what, count - 1));
    return std::nullopt;
  }

  Seconds time_or(const char* key, std::optional<Seconds> FaultEntry::*member,
                  const Assumed& assumed) {
    if (reader.optional(key)) {
      read_key(key);
      return (entry.*member).value_or(assumed.time);
    }
    spec.facts.push_back({fmt::format("{}: {}", name(), key),
                          fmt::format("{:g} s", assumed.time.value()), assumed.source, "assumption",
                          Enters::kTime});
    return assumed.time;
  }

  std::string name() const { return reader.value().path(); }

  void tell(const std::string& words) {
    spec.facts.push_back({name(), words, "the scenario", "indicative", Enters::kTime});
  }

  // `gpu` counts over the cluster, or within `node` where that is given.
  std::optional<DeviceSpan> read_gpu() {
    const std::int64_t per_node = cluster().node.devices;
    if (!reader.has("node")) {
      const auto gpu =
          number("gpu", &FaultEntry::gpu, cluster().num_devices(), "GPU of the cluster");
      return gpu ? std::optional(DeviceSpan{*gpu, 1}) : std::nullopt;
    }
    const auto node = number("node", &FaultEntry::node, cluster().nodes, "node");
    const auto gpu = number("gpu", &FaultEntry::gpu, per_node, "GPU of a node");
    if (!node || !gpu) return std::nullopt;
    return DeviceSpan{*node * per_node + *gpu, 1};
  }

  std::optional<DeviceSpan> read_devices() {
    if (reader.has("gpu")) return read_gpu();
    const auto node = number("node", &FaultEntry::node, cluster().nodes, "node");
    if (!node) return std::nullopt;
    return DeviceSpan{*node * cluster().node.devices, cluster().node.devices};
  }

  std::string words(const DeviceSpan& devices) const {
    const std::int64_t per_node = cluster().node.devices;
    if (devices.count == 1) return fmt::format("GPU {}", devices.first);
    return fmt::format("node {}", devices.first / per_node);
  }

  // Fills in which link of the cluster is meant; false after a fault.
  bool read_link(Slowdown& slow) {
    if (!read_key("link")) return false;
    slow.part = entry.link.value();
    if (slow.part == FaultPart::kFabric) return read_fabric_links(slow);
    if (slow.part == FaultPart::kScaleUp) {
      const auto devices = read_gpu();
      if (cluster().node.devices == 1) {
        contradict("link", "scale-up", "a node of one GPU has no link inside it");
        return false;
      }
      slow.devices = devices.value_or(DeviceSpan{});
      slow.index = slow.devices.first;
      return devices.has_value();
    }
    const std::int64_t rails =
        std::max<std::int64_t>(1, std::min(cluster().node.nics, cluster().node.devices));
    const auto node = number("node", &FaultEntry::node, cluster().nodes, "node");
    const auto rail = number("rail", &FaultEntry::rail, rails, "rail");
    if (cluster().nodes == 1 || cluster().node.nics == 0) {
      contradict("link", "nic", "no NIC is used in a cluster of one node");
      return false;
    }
    if (!node || !rail) return false;
    const std::int64_t per_rail = cluster().node.devices / rails;
    slow.index = *node * rails + *rail;
    slow.devices = {*node * cluster().node.devices + *rail * per_rail, per_rail};
    return true;
  }

  bool read_fabric_links(Slowdown& slow) {
    reader.required("port", "the name of a link, e.g. leaf 3");
    const bool is_named = read_key("port");
    const bool is_counted = !reader.optional("cables") || read_key("cables");
    if (cluster().nodes == 1) {
      contradict("link", "fabric", "a cluster of one node has no network");
      return false;
    }
    if (!is_named || !is_counted) return false;
    const std::string& port = entry.port.value();
    const std::int64_t count = entry.cables.value_or(0);
    slow.devices = {0, cluster().num_devices()};
    std::shared_ptr<const FabricLinks> links;
    for (const Slowdown& other : spec.slowdowns) {
      if (other.fabric.links) links = other.fabric.links;
    }
    if (!links) links = std::make_shared<FabricLinks>(cluster());
    slow.fabric = slow_fabric(links, port, count, 0);
    if (slow.fabric.ports.empty()) {
      contradict("port", port, fmt::format("there is no such link; allowed: {}", links->names()));
      return false;
    }
    for (const auto& [number, share] : slow.fabric.ports) {
      if (count <= links->cables(number)) continue;
      contradict(
          "cables", std::to_string(count),
          fmt::format("at most {}, as one of these links has no more", links->cables(number)));
      return false;
    }
    return true;
  }

  // Once the speed of the cables is known.
  static void slow_down_fabric(Slowdown& slow) {
    const SlowFabric& named = slow.fabric;
    slow.fabric = slow_fabric(named.links, named.name, named.cables, slow.speed);
    slow.speed = 1;
    for (const auto& [port, share] : slow.fabric.ports) slow.speed = std::min(slow.speed, share);
  }

  std::string words(const Slowdown& slow) const {
    const std::int64_t per_node = cluster().node.devices;
    const std::int64_t node = slow.devices.first / per_node;
    std::string text = words(slow.devices);
    if (slow.part == FaultPart::kScaleUp) text = "scale-up link of " + text;
    if (slow.part == FaultPart::kNic) {
      text = fmt::format("NIC of node {}, rail {}", node,
                         slow.devices.first % per_node / slow.devices.count);
    }
    const bool is_fabric = slow.part == FaultPart::kFabric;
    if (is_fabric) text = words(slow.fabric);
    const double speed = is_fabric ? slow.fabric.cable_speed : slow.speed;
    text += speed > 0 ? fmt::format(" at {:g} of {} speed", speed, is_fabric ? "their" : "its")
                      : std::string(" down");
    text += fmt::format(" from {:g} s", slow.from.value());
    if (slow.until.value() < kForever) text += fmt::format(" to {:g} s", slow.until.value());
    return text;
  }

  static std::string words(const SlowFabric& slow) {
    std::string text = slow.cables == 0 ? "links" : fmt::format("{} cables each", slow.cables);
    if (slow.cables == 1) text = "1 cable each";
    return fmt::format("{} of {}", text, slow.name);
  }

  void read_slowdown() {
    Slowdown slow;
    bool is_known = true;
    if (reader.optional("link")) {
      is_known = read_link(slow);
    } else if (const auto devices = read_gpu()) {
      slow.devices = *devices;
      slow.index = devices->first;
    } else {
      is_known = false;
    }
    const bool is_link = slow.part != FaultPart::kDevice;
    const auto speed = reader.required("speed", "a share of its speed, e.g. 0.5");
    if (read_key("speed")) slow.speed = entry.speed.value();
    if (is_known && slow.part == FaultPart::kFabric) slow_down_fabric(slow);
    if (read_key("from")) slow.from = entry.from.value();
    slow.until = read_key("until") ? entry.until.value() : Seconds(kForever);
    if (speed && slow.speed <= 0) {
      if (!is_link) {
        speed->fault("above 0; a GPU that stops is {gpu: 3, fails: 30 s}");
      } else if (!reader.has("until")) {
        reader.required("until", "when the link is up again, e.g. 80 s");
      }
      if (is_link) {
        slow.timeout = time_or("timeout", &FaultEntry::timeout, kTimeout);
        slow.restart = time_or("restart", &FaultEntry::restart, kRestart);
      }
    }
    if (slow.until <= slow.from) {
      contradict("until", fmt::format("{:g} s", slow.until.value()), "a date after `from`");
      is_known = false;
    }
    if (!is_known || reader.value().faults().all().size() > before) return;
    check_overlap(slow);
    tell(words(slow));
    spec.slowdowns.push_back(slow);
  }

  static bool concern_the_same(const Slowdown& a, const Slowdown& b) {
    if (a.part != b.part) return false;
    if (a.part != FaultPart::kFabric) return a.index == b.index;
    return std::any_of(a.fabric.ports.begin(), a.fabric.ports.end(),
                       [&b](const auto& entry) { return b.fabric.ports.contains(entry.first); });
  }

  void check_overlap(const Slowdown& slow) {
    const Interval mine{slow.from.value(), slow.until.value()};
    for (const Slowdown& other : spec.slowdowns) {
      if (!concern_the_same(slow, other)) continue;
      if (!mine.overlaps({other.from.value(), other.until.value()})) continue;
      contradict("speed", fmt::format("{:g}", slow.speed),
                 fmt::format("one speed at a time, but an earlier entry says {}", words(other)));
    }
  }

  static Interval outage(const Failure& failure) {
    const Seconds end =
        failure.at + failure.detection + failure.restart.value_or(Seconds(kForever));
    return {failure.at.value(), end.value()};
  }

  std::optional<Seconds> read_restart() {
    const auto value = reader.optional("restart");
    if (value && value->is_scalar() && value->node().Scalar() == kNever) return std::nullopt;
    return time_or("restart", &FaultEntry::restart, kRestart);
  }

  void read_failure() {
    const auto devices = read_devices();
    Failure failure;
    if (read_key("fails")) failure.at = entry.fails.value();
    failure.detection = time_or("detection", &FaultEntry::detection, kDetection);
    failure.restart = read_restart();
    if (!devices || reader.value().faults().all().size() > before) return;
    failure.devices = *devices;
    for (const Failure& other : spec.failures) {
      if (!other.devices.overlaps(failure.devices) || !outage(other).overlaps(outage(failure))) continue;
      contradict("fails", fmt::format("{:g} s", failure.at.value()),
                 fmt::format("one failure at a time, but an earlier entry has {} fail at {:g} s "
                             "and {}",
                             words(other.devices), other.at.value(),
                             other.restart ? fmt::format("come back at {:g} s", outage(other).until)
                                           : "never come back"));
    }
    tell(fmt::format("{} fails at {:g} s", words(*devices), failure.at.value()));
    spec.failures.push_back(failure);
  }

  void read() {
    before = reader.value().faults().all().size();
    reader.has("fails") ? read_failure() : read_slowdown();
    reader.done();
  }
};

}  // namespace

void read_faults(const Value& value, Faults& contradictions, Deployment& deployment) {
  const ClusterSpec& cluster = deployment.cluster;
  const bool is_sound = cluster.node.devices > 0 && cluster_faults(cluster).empty();
  if (!value.is_list()) {
    value.fault(form::allowed_text(faults_key().form));
    return;
  }
  if (!is_sound) return;  // Said already.
  for (const Value& item : value.items()) {
    auto map = open_map(item, fault_keys());
    if (map) FaultReader{*map, contradictions, deployment, deployment.faults}.read();
  }
}

}  // namespace moesim
