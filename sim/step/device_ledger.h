// Time and energy of one device, split by what it was doing.
#pragma once

#include "base/enum_array.h"
#include "base/units.h"

namespace moesim {

// The state of a device at a moment. The times in all six add up to the horizon on every device.
enum class Activity { kCompute, kMemory, kCommunication, kOverhead, kImbalanceWait, kIdle };
inline constexpr int kNumActivities = 6;
template <>
inline constexpr std::size_t kNumEnumerators<Activity> = kNumActivities;

template <class T>
using ByActivity = EnumArray<Activity, T>;

struct DeviceLedger {
  ByActivity<Seconds> time{};
  ByActivity<Joules> energy{};
  Seconds measured;  // Part of compute and memory: kernels timed by a measured table.

  void add(Activity activity, Seconds duration, Joules joules) {
    time[activity] += duration;
    energy[activity] += joules;
  }
  // Adds `share` of another ledger.
  void add(const DeviceLedger& other, double share);
  Seconds total_time() const;
  Joules total_energy() const;
};

}  // namespace moesim
