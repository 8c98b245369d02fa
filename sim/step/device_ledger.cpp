#include "sim/step/device_ledger.h"

#include <numeric>

namespace moesim {

void DeviceLedger::add(const DeviceLedger& other, double share) {
  for (std::size_t a = 0; a < time.size(); ++a) {
    time[a] += other.time[a] * share;
    energy[a] += other.energy[a] * share;
  }
  measured += other.measured * share;
}

Seconds DeviceLedger::total_time() const {
  return std::accumulate(time.begin(), time.end(), Seconds(0));
}

Joules DeviceLedger::total_energy() const {
  return std::accumulate(energy.begin(), energy.end(), Joules(0));
}

}  // namespace moesim
