// Energy and carbon of the whole deployment, cooling included.
#include <algorithm>

#include "reports/metrics/accounting.h"
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

Out total(In in) {
  if (!in.summary) return std::nullopt;
  return in.summary->energy.total().value();
}

template <auto Part>
Out part(In in) {
  if (!in.summary) return std::nullopt;
  return (in.summary->energy.*Part).value();
}

template <Activity A>
Out activity(In in) {
  if (!in.summary) return std::nullopt;
  double joules = 0;
  const std::vector<DeviceLedger>& devices = in.summary->devices;
  const auto allocated = static_cast<std::size_t>(in.summary->allocated_devices);
  for (std::size_t d = 0; d < std::min(allocated, devices.size()); ++d)
    joules += devices[d].energy[static_cast<std::size_t>(A)].value();
  return joules;
}

Out unallocated(In in) {
  if (!in.summary) return std::nullopt;
  double joules = 0;
  for (auto d = static_cast<std::size_t>(in.summary->allocated_devices);
       d < in.summary->devices.size(); ++d)
    joules += in.summary->devices[d].total_energy().value();
  return joules;
}

template <auto Phase>
Out phase(In in) {
  if (!in.summary) return std::nullopt;
  return (in.summary->*Phase).value();
}

Out prefill_per_input_token(In in) {
  const Out joules = phase<&Summary::prefill_energy>(in);
  if (!joules) return std::nullopt;
  return quotient(*joules, static_cast<double>(in.summary->input_tokens_done));
}

Out decode_per_output_token(In in) {
  const Out joules = phase<&Summary::decode_energy>(in);
  if (!joules) return std::nullopt;
  return quotient(*joules, static_cast<double>(in.summary->output_tokens_done));
}

double output_tokens(In in) {
  return static_cast<double>(in.summary->output_tokens_done);
}
double input_tokens(In in) {
  return static_cast<double>(in.summary->input_tokens_done);
}

// Any amount over the output tokens.
template <Out (*Amount)(In)>
Out per_output_token(In in) {
  const Out amount = Amount(in);
  if (!amount) return std::nullopt;
  return quotient(*amount, output_tokens(in));
}

Out per_token(In in) {
  const Out amount = total(in);
  if (!amount) return std::nullopt;
  return quotient(*amount, input_tokens(in) + output_tokens(in));
}

Out average_power(In in) {
  if (!in.summary) return std::nullopt;
  return quotient(in.summary->energy.total().value(), in.summary->horizon.value());
}

Out average_device_power(In in) {
  if (!in.summary) return std::nullopt;
  const double device_seconds =
      static_cast<double>(in.deployment.cluster.num_devices()) * in.summary->horizon.value();
  return quotient(in.summary->energy.devices.value(), device_seconds);
}

Out energy_kwh(In in) {
  const Out joules = total(in);
  if (!joules) return std::nullopt;
  return *joules / kJoulesPerKwh;
}

Out carbon_kg(In in) {
  const double per_joule = in.deployment.site.carbon_kg_per_joule;
  const Out joules = total(in);
  return joules ? Out(*joules * per_joule) : std::nullopt;
}

template <Out (*Amount)(In)>
Out million_output(In in) {
  const Out each = per_output_token<Amount>(in);
  return each ? Out(*each * 1e6) : std::nullopt;
}

template <Out (*Amount)(In)>
Out million_input(In in) {
  const Out amount = Amount(in);
  if (!amount) return std::nullopt;
  const Out share = prompt_share(*in.summary);
  if (!share) return std::nullopt;
  const Out each = quotient(*amount * *share, input_tokens(in));
  return each ? Out(*each * 1e6) : std::nullopt;
}

template <Out (*Amount)(In)>
Out month(In in) {
  const Out amount = Amount(in);
  if (!amount) return std::nullopt;
  return quotient(*amount * kHoursPerMonth * 3600, in.summary->horizon.value());
}

constexpr const char* kEach = " over the output tokens, prompts included.";
constexpr const char* kSplit =
    " times the prompts' share of the energy inside engine steps, over the input tokens.";

std::vector<MetricRow> energy_totals() {
  const std::string g = "energy";
  using E = EnergyTotals;
  using A = Activity;
  const std::string devices = "Energy of the accelerators while in the activity ";
  return {
      {kEnergyTotal, "energy_total_j", "energy", g, "J",
       "Energy of the whole deployment over the measured time.", total},
      {kEnergyDevices, "energy_devices_j", "accelerators", g, "J", "Energy of the accelerators.",
       part<&E::devices>},
      {kEnergyHost, "energy_host_j", "hosts", g, "J",
       "Energy of CPUs, DRAM, fans and in-node switches.", part<&E::host>},
      {kEnergyNetwork, "energy_network_j", "network", g, "J",
       "Energy of NICs, fabric switches and optics.", part<&E::network>},
      {kEnergyPowerSupply, "energy_power_supply_j", "power supplies", g, "J",
       "Losses in the power supplies.", part<&E::power_supply>},
      {kEnergyFacility, "energy_facility_j", "facility", g, "J",
       "Cooling and distribution, by the site's PUE.", part<&E::facility>},
      {kEnergyDevicesCompute, "energy_devices_compute_j", "accelerators: compute", g, "J",
       devices + "compute.", activity<A::kCompute>},
      {kEnergyDevicesMemory, "energy_devices_memory_j", "accelerators: memory", g, "J",
       devices + "memory.", activity<A::kMemory>},
      {kEnergyDevicesCommunication, "energy_devices_communication_j", "accelerators: communication",
       g, "J", devices + "communication.", activity<A::kCommunication>},
      {kEnergyDevicesOverhead, "energy_devices_overhead_j", "accelerators: overhead", g, "J",
       devices + "overhead.", activity<A::kOverhead>},
      {kEnergyDevicesImbalanceWait, "energy_devices_imbalance_wait_j",
       "accelerators: imbalance wait", g, "J", devices + "imbalance wait.",
       activity<A::kImbalanceWait>},
      {kEnergyDevicesIdle, "energy_devices_idle_j", "accelerators: idle", g, "J", devices + "idle.",
       activity<A::kIdle>},
      {kEnergyDevicesUnallocated, "energy_devices_unallocated_j", "accelerators: unallocated", g,
       "J", "Energy of the accelerators that no rank uses.", unallocated},
      {kEnergyPrefill, "energy_prefill_j", "accelerators: prompts", g, "J",
       "Energy of the accelerators inside engine steps, the part of the prompt tokens.",
       phase<&Summary::prefill_energy>},
      {kEnergyDecode, "energy_decode_j", "accelerators: decoding", g, "J",
       "Energy of the accelerators inside engine steps, the part of the output tokens.",
       phase<&Summary::decode_energy>},
  };
}

std::vector<MetricRow> energy_per_token() {
  const std::string g = "energy";
  using E = EnergyTotals;
  return {
      {kEnergyPerOutputToken, "energy_per_output_token_j", "energy per output token", g, "J",
       "Whole energy" + std::string(kEach), per_output_token<total>},
      {kEnergyPerToken, "energy_per_token_j", "energy per token", g, "J",
       "Whole energy over input and output tokens together.", per_token},
      {kEnergyDevicesPerOutputToken, "energy_devices_per_output_token_j",
       "accelerators per output token", g, "J", "Energy of the accelerators" + std::string(kEach),
       per_output_token<part<&E::devices>>},
      {kEnergyHostPerOutputToken, "energy_host_per_output_token_j", "hosts per output token", g,
       "J", "Energy of the hosts" + std::string(kEach), per_output_token<part<&E::host>>},
      {kEnergyNetworkPerOutputToken, "energy_network_per_output_token_j",
       "network per output token", g, "J", "Energy of the network" + std::string(kEach),
       per_output_token<part<&E::network>>},
      {kEnergyPowerSupplyPerOutputToken, "energy_power_supply_per_output_token_j",
       "power supplies per output token", g, "J", "Power supply losses" + std::string(kEach),
       per_output_token<part<&E::power_supply>>},
      {kEnergyFacilityPerOutputToken, "energy_facility_per_output_token_j",
       "facility per output token", g, "J", "Facility overhead" + std::string(kEach),
       per_output_token<part<&E::facility>>},
      {kEnergyPrefillPerInputToken, "energy_prefill_per_input_token_j",
       "accelerators per input token", g, "J",
       "Energy of the accelerators for prompts over the input tokens.", prefill_per_input_token},
      {kEnergyDecodePerOutputToken, "energy_decode_per_output_token_j",
       "accelerators per output token, decoding", g, "J",
       "Energy of the accelerators for decoding over the output tokens.", decode_per_output_token},
      {kAveragePower, "average_power_w", "average power", g, "W",
       "Whole energy over the measured time.", average_power},
      {kAveragePowerPerDevice, "average_power_per_device_w", "average power per device", g, "W",
       "Energy of the accelerators over the measured time and their number.", average_device_power},
  };
}

std::vector<MetricRow> bills() {
  const std::string g = "energy";
  return {
      {kEnergyPerMillionInputTokens, "energy_per_million_input_tokens_kwh",
       "energy per million input tokens", g, "kWh", "Whole energy" + std::string(kSplit),
       million_input<energy_kwh>},
      {kEnergyPerMillionOutputTokens, "energy_per_million_output_tokens_kwh",
       "energy per million output tokens", g, "kWh", "Whole energy" + std::string(kEach),
       million_output<energy_kwh>},
      {kEnergyPerMonth, "energy_per_month_kwh", "energy per month", g, "kWh",
       "Whole energy of 730 hours at the scenario's traffic.", month<energy_kwh>},
      {kCarbonTotal, "carbon_total_kg", "carbon", g, "kg",
       "CO2e of the whole energy at the site's intensity.", carbon_kg},
      {kCarbonPerMillionInputTokens, "carbon_per_million_input_tokens_kg",
       "carbon per million input tokens", g, "kg", "CO2e" + std::string(kSplit),
       million_input<carbon_kg>},
      {kCarbonPerMillionOutputTokens, "carbon_per_million_output_tokens_kg",
       "carbon per million output tokens", g, "kg", "CO2e" + std::string(kEach),
       million_output<carbon_kg>},
      {kCarbonPerMonth, "carbon_per_month_kg", "carbon per month", g, "kg",
       "CO2e of 730 hours at the scenario's traffic.", month<carbon_kg>},
  };
}

}  // namespace

std::vector<MetricRow> energy_metrics() {
  std::vector<MetricRow> table = energy_totals();
  for (const auto& part : {energy_per_token(), bills()})
    table.insert(table.end(), part.begin(), part.end());
  return table;
}

}  // namespace moesim
