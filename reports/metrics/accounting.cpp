#include "reports/metrics/accounting.h"

#include <numeric>

namespace moesim {

std::optional<double> quotient(double a, double b) {
  if (!(b > 0)) return std::nullopt;
  return a / b;
}

double DeviceTime::total() const {
  return std::accumulate(seconds.begin(), seconds.end(), unallocated);
}

double DeviceTime::busy() const {
  const auto of = [this](Activity a) { return seconds[static_cast<std::size_t>(a)]; };
  return of(Activity::kCompute) + of(Activity::kMemory) + of(Activity::kCommunication) +
         of(Activity::kOverhead);
}

DeviceTime device_time(const MetricInput& input) {
  DeviceTime time;
  const std::vector<DeviceLedger>& devices = input.summary->devices;
  const auto allocated = static_cast<std::size_t>(input.summary->allocated_devices);
  for (std::size_t d = 0; d < devices.size(); ++d) {
    if (d >= allocated) {
      time.unallocated += devices[d].total_time().value();
      continue;
    }
    for (std::size_t a = 0; a < time.seconds.size(); ++a)
      time.seconds[a] += devices[d].time[a].value();
  }
  return time;
}

std::optional<double> prompt_share(const Summary& summary) {
  const double prompts = summary.prefill_energy.value();
  return quotient(prompts, prompts + summary.decode_energy.value());
}

Cost horizon_cost(const MetricInput& input) {
  const DeviceSpec& device = input.deployment.cluster.node.device;
  const double hours = input.summary->horizon.value() / 3600;
  const auto devices = static_cast<double>(input.deployment.cluster.num_devices());
  const double own_rent = input.deployment.rent_per_device;
  const double rent = own_rent > 0 ? own_rent : device.rent;
  const double electricity = input.deployment.site.electricity_usd_per_joule;
  Cost cost;
  cost.electricity_usd = input.summary->energy.total().value() * electricity;
  if (rent > 0) {
    cost.rent_usd = rent * devices * hours;
    cost.total_usd = cost.rent_usd;
  } else if (device.price > 0) {
    cost.amortisation_usd = device.price * devices * hours / kAmortisationHours;
    if (cost.electricity_usd) cost.total_usd = *cost.amortisation_usd + *cost.electricity_usd;
  }
  return cost;
}

std::optional<double> mean_context_tokens(const Summary& summary) {
  const double tokens = static_cast<double>(summary.input_tokens_arrived) +
                        static_cast<double>(summary.output_tokens_asked) / 2;
  return quotient(tokens, static_cast<double>(summary.arrived));
}

}  // namespace moesim
