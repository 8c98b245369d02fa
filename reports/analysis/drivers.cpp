#include "reports/analysis/drivers.h"

#include <algorithm>
#include <array>

namespace moesim {
namespace {

double value(const CaseReport& report, Metric key) {
  return metric(report, key).value_or(0);
}

Driver driver(DriverKind kind, const Comparison& pair, Metric key) {
  return {kind, value(pair.winner, key), value(pair.loser, key)};
}

// Time of all devices per output token, one activity.
double time_per_token(const CaseReport& report, Metric activity) {
  const double tokens = value(report, Metric::kOutputTokens);
  return tokens > 0 ? value(report, activity) / tokens : 0;
}

double time_gain(const Comparison& pair, Metric activity) {
  return time_per_token(pair.loser, activity) - time_per_token(pair.winner, activity);
}

Driver time_driver(DriverKind kind, const Comparison& pair, Metric activity) {
  return {kind, time_per_token(pair.winner, activity), time_per_token(pair.loser, activity)};
}

// Bytes that a decode step reads per token, if they tell the cases apart the right way round.
Driver memory_driver(const Comparison& pair) {
  const auto bytes = [](const CaseReport& report) {
    const auto weights = metric(report, Metric::kWeightsReadPerOutputTokenBytes);
    const auto kv = metric(report, Metric::kKvReadPerOutputTokenBytes);
    return weights && kv ? *weights + *kv : 0;
  };
  const double own = bytes(pair.winner), other = bytes(pair.loser);
  if (own > 0 && own < other) return {DriverKind::kMemoryRead, own, other};
  return time_driver(DriverKind::kMemoryTime, pair, Metric::kTimeMemory);
}

Driver compute_driver(const Comparison& pair) {
  if (pair.gain(Metric::kParamsActive) > 0)
    return driver(DriverKind::kActiveParams, pair, Metric::kParamsActive);
  return time_driver(DriverKind::kComputeTime, pair, Metric::kTimeCompute);
}

// A share of the device time where the winner's is the smaller one, else the time itself.
Driver communication_driver(const Comparison& pair) {
  if (pair.gain(Metric::kTimeCommunicationShare) > 0)
    return driver(DriverKind::kCommunication, pair, Metric::kTimeCommunicationShare);
  return time_driver(DriverKind::kCommunicationTime, pair, Metric::kTimeCommunication);
}

Driver idle_driver(const Comparison& pair) {
  if (pair.gain(Metric::kDevices) > 0) return driver(DriverKind::kDevices, pair, Metric::kDevices);
  if (pair.gain(Metric::kDeviceTimeIdleShare) > 0)
    return driver(DriverKind::kUnused, pair, Metric::kDeviceTimeIdleShare);
  return time_driver(DriverKind::kIdleTime, pair, Metric::kTimeIdle);
}

double ratio(const Comparison& pair, Metric key) {
  const double winner = value(pair.winner, key);
  return winner > 0 ? value(pair.loser, key) / winner : 1;
}

}  // namespace

double Comparison::gain(Metric key) const {
  const auto a = metric(winner, key), b = metric(loser, key);
  return a && b ? *b - *a : 0;
}

Driver cost_driver(const Comparison& pair) {
  const double price_ratio = ratio(pair, Metric::kCostPerDeviceHour);
  if (price_ratio * price_ratio > ratio(pair, Metric::kCostPerMillionOutputTokens))
    return driver(DriverKind::kDevicePrice, pair, Metric::kCostPerDeviceHour);
  const double idle =
      time_gain(pair, Metric::kTimeIdle) + time_gain(pair, Metric::kTimeUnallocated);
  const std::array<std::pair<double, Driver>, 6> drivers = {{
      {time_gain(pair, Metric::kTimeMemory), memory_driver(pair)},
      {time_gain(pair, Metric::kTimeCompute), compute_driver(pair)},
      {time_gain(pair, Metric::kTimeCommunication), communication_driver(pair)},
      {time_gain(pair, Metric::kTimeImbalanceWait),
       time_driver(DriverKind::kImbalanceTime, pair, Metric::kTimeImbalanceWait)},
      {time_gain(pair, Metric::kTimeOverhead),
       time_driver(DriverKind::kOverheadTime, pair, Metric::kTimeOverhead)},
      {idle, idle_driver(pair)},
  }};
  const auto& [gain, best] =
      *std::ranges::max_element(drivers, {}, &std::pair<double, Driver>::first);
  return gain > 0 ? best : Driver{};
}

Driver energy_driver(const Comparison& pair) {
  constexpr std::array<std::pair<DriverKind, Metric>, 5> kParts = {
      {{DriverKind::kDeviceEnergy, Metric::kEnergyDevicesPerOutputToken},
       {DriverKind::kHostEnergy, Metric::kEnergyHostPerOutputToken},
       {DriverKind::kNetworkEnergy, Metric::kEnergyNetworkPerOutputToken},
       {DriverKind::kPowerSupplyEnergy, Metric::kEnergyPowerSupplyPerOutputToken},
       {DriverKind::kFacilityEnergy, Metric::kEnergyFacilityPerOutputToken}}};
  const auto& [kind, key] = *std::ranges::max_element(
      kParts, {}, [&](const auto& part) { return pair.gain(part.second); });
  return driver(kind, pair, key);
}

}  // namespace moesim
