#include "sim/deployment/faults.h"

#include <algorithm>
#include <utility>

namespace moesim {

namespace {

void slow_down(const Slowdown& slow, Conditions& now) {
  DownLink down{slow.part, slow.devices, slow.until, slow.timeout, slow.restart};
  for (const auto& [port, speed] : slow.fabric.ports) {
    if (speed > 0) {
      now.links.fabric[port] = speed;
    } else {
      down.ports.push_back(port);
    }
  }
  down.links = slow.fabric.links;
  if (!down.ports.empty()) now.down.push_back(std::move(down));
}

}  // namespace

SlowFabric slow_fabric(std::shared_ptr<const FabricLinks> links, const std::string& name,
                       std::int64_t cables, double cable_speed) {
  SlowFabric slow{name, cables, cable_speed, {}, std::move(links)};
  for (const std::int32_t port : slow.links->named(name)) {
    const auto all = static_cast<double>(slow.links->cables(port));
    const double share = cables > 0 ? static_cast<double>(cables) / all : 1;
    slow.ports[port] = std::max(0.0, 1 - (1 - cable_speed) * share);
  }
  return slow;
}

Conditions conditions_at(const FaultSpec& faults, Seconds date) {
  Conditions now;
  for (const Slowdown& slow : faults.slowdowns) {
    if (date < slow.from || date >= slow.until) continue;
    if (slow.part == FaultPart::kFabric) {
      slow_down(slow, now);
    } else if (slow.speed <= 0) {
      now.down.push_back({slow.part, slow.devices, slow.until, slow.timeout, slow.restart});
    } else if (slow.part == FaultPart::kNic) {
      now.links.nics[slow.index] = slow.speed;
    } else if (slow.part == FaultPart::kScaleUp) {
      now.links.scale_up[slow.index] = slow.speed;
    } else {
      now.devices[slow.index] = slow.speed;
    }
  }
  return now;
}

}  // namespace moesim
