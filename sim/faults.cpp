#include "sim/faults.h"

namespace moesim {

Conditions conditions_at(const FaultSpec& faults, Seconds date) {
  Conditions now;
  for (const Slowdown& slow : faults.slowdowns) {
    if (date < slow.from || date >= slow.until) continue;
    if (slow.speed <= 0) {
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
