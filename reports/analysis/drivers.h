// Why one case costs or burns less than another: the one thing that a verdict has room for.
#pragma once

#include "reports/results/case_report.h"

namespace moesim {

struct Comparison {
  const CaseReport& winner;
  const CaseReport& loser;

  // Loser minus winner; 0 where either has no value.
  double gain(Metric key) const;
};

// What the winner has less of.
enum class DriverKind {
  kDevicePrice,    // USD per device hour.
  kMemoryRead,     // Bytes of weights and KV cache that a decode step reads per output token.
  kActiveParams,   // Parameters per token.
  kCommunication,  // Share of the device time.
  kDevices,        // Their number.
  kUnused,         // Share of the device time.
  kMemoryTime,     // Seconds of all devices per output token, from here on ...
  kComputeTime,
  kCommunicationTime,
  kImbalanceTime,
  kOverheadTime,
  kIdleTime,      // ... to here.
  kWholeTime,     // No single activity; there are no figures.
  kDeviceEnergy,  // Joules per output token, from here on.
  kHostEnergy,
  kNetworkEnergy,
  kPowerSupplyEnergy,
  kFacilityEnergy,
};

struct Driver {
  DriverKind kind = DriverKind::kWholeTime;
  double winner = 0, loser = 0;
};

// cost per token = price of a device second * device seconds per token, and the latter is the sum
// over activities: the driver is the price if its ratio is the larger one, else the activity that
// differs most.
Driver cost_driver(const Comparison& pair);

// The component whose energy per token differs most; accelerators are explained by what they do.
Driver energy_driver(const Comparison& pair);

}  // namespace moesim
