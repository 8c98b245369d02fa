#include "reports/analysis/drivers.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "reports/render/format.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

// Time of all devices per output token, one activity.
double time_per_token(const CaseReport& report, const std::string& activity) {
  const double tokens = metric(report, "output_tokens").value_or(0);
  return tokens > 0 ? metric(report, "time_" + activity + "_s").value_or(0) / tokens : 0;
}

double time_gain(const Comparison& pair, const std::string& activity) {
  return time_per_token(pair.loser, activity) - time_per_token(pair.winner, activity);
}

std::string time_text(const Comparison& pair, const std::string& activity,
                      const std::string& words) {
  return fmt::format("its devices spend {} per output token {} against {}",
                     readable(time_per_token(pair.winner, activity), "s"), words,
                     readable(time_per_token(pair.loser, activity), "s"));
}

struct Driver {
  double gain = 0;  // In the figure compared; the largest one is named.
  std::string text;
};

// Bytes that a decode step reads per token, if they tell the cases apart the right way round.
std::string memory_text(const Comparison& pair) {
  const auto bytes = [](const CaseReport& report) {
    const auto weights = metric(report, "weights_read_per_output_token_bytes");
    const auto kv = metric(report, "kv_read_per_output_token_bytes");
    return weights && kv ? *weights + *kv : 0;
  };
  const double own = bytes(pair.winner), other = bytes(pair.loser);
  if (!(own > 0) || own >= other) return time_text(pair, "memory", "on reading memory");
  return fmt::format("it reads {} of weights and KV cache per output token against {}",
                     readable(own, "B"), readable(other, "B"));
}

std::string compute_text(const Comparison& pair) {
  if (pair.gain("params_active") > 0)
    return fmt::format("it touches {} parameters per token against {}",
                       readable_metric(pair.winner, "params_active"),
                       readable_metric(pair.loser, "params_active"));
  return time_text(pair, "compute", "on arithmetic");
}

// A share of the device time where the winner's is the smaller one, else the time itself.
std::string communication_text(const Comparison& pair) {
  if (pair.gain("time_communication_share") > 0)
    return fmt::format("communication takes {} of its device time against {}",
                       readable_metric(pair.winner, "time_communication_share"),
                       readable_metric(pair.loser, "time_communication_share"));
  return time_text(pair, "communication", "on communication");
}

std::string idle_text(const Comparison& pair) {
  if (pair.gain("devices") > 0) return "it needs " + pair.against("devices") + " devices";
  if (pair.gain("device_time_idle_share") > 0)
    return fmt::format("{} of its device time is unused against {}",
                       readable_metric(pair.winner, "device_time_idle_share"),
                       readable_metric(pair.loser, "device_time_idle_share"));
  return time_text(pair, "idle", "idle");
}

}  // namespace

double Comparison::gain(std::string_view key) const {
  const auto a = metric(winner, key), b = metric(loser, key);
  return a && b ? *b - *a : 0;
}

std::string Comparison::against(std::string_view key) const {
  return readable_metric(winner, key) + " against " + readable_metric(loser, key);
}

std::string cost_driver(const Comparison& pair) {
  const auto price = [](const CaseReport& r) {
    return metric(r, "cost_per_device_hour_usd").value_or(0);
  };
  const auto cost = [](const CaseReport& r) {
    return metric(r, "cost_per_million_output_tokens_usd").value_or(0);
  };
  const double price_ratio = price(pair.winner) > 0 ? price(pair.loser) / price(pair.winner) : 1;
  const double cost_ratio = cost(pair.winner) > 0 ? cost(pair.loser) / cost(pair.winner) : 1;
  if (price_ratio * price_ratio > cost_ratio)
    return fmt::format("its devices cost {} per hour", pair.against("cost_per_device_hour_usd"));
  const double idle = time_gain(pair, "idle") + time_gain(pair, "unallocated");
  const std::vector<Driver> drivers = {
      {time_gain(pair, "memory"), memory_text(pair)},
      {time_gain(pair, "compute"), compute_text(pair)},
      {time_gain(pair, "communication"), communication_text(pair)},
      {time_gain(pair, "imbalance_wait"),
       time_text(pair, "imbalance_wait", "waiting for fuller peers")},
      {time_gain(pair, "overhead"), time_text(pair, "overhead", "on launches and host work")},
      {idle, idle_text(pair)}};
  const auto best =
      std::max_element(drivers.begin(), drivers.end(),
                       [](const Driver& a, const Driver& b) { return a.gain < b.gain; });
  return best->gain > 0 ? best->text : "its devices finish the same tokens in less time";
}

std::string energy_driver(const Comparison& pair) {
  const std::vector<Driver> drivers = {
      {pair.gain("energy_devices_per_output_token_j"),
       "its accelerators take " + pair.against("energy_devices_per_output_token_j")},
      {pair.gain("energy_host_per_output_token_j"),
       "its hosts take " + pair.against("energy_host_per_output_token_j")},
      {pair.gain("energy_network_per_output_token_j"),
       "its network takes " + pair.against("energy_network_per_output_token_j")},
      {pair.gain("energy_power_supply_per_output_token_j"),
       "power supplies lose " + pair.against("energy_power_supply_per_output_token_j")},
      {pair.gain("energy_facility_per_output_token_j"),
       "cooling and distribution take " + pair.against("energy_facility_per_output_token_j")}};
  const auto best =
      std::max_element(drivers.begin(), drivers.end(),
                       [](const Driver& a, const Driver& b) { return a.gain < b.gain; });
  return best->text;
}

}  // namespace moesim
