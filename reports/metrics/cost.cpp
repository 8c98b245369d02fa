// Money: who pays for the cluster over the measured time, and what a token costs then.
#include <utility>

#include "hardware/network/cluster_check.h"
#include "hardware/network/network_bill.h"
#include "reports/metrics/accounting.h"
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

template <auto Item>
Out item(In in) {
  if (!in.summary) return std::nullopt;
  return horizon_cost(in).*Item;
}
constexpr auto kTotal = &Cost::total_usd;
constexpr auto kElectricity = &Cost::electricity_usd;

template <auto Item>
Out per_hour(In in) {
  const Out cost = item<Item>(in);
  if (!cost) return std::nullopt;
  return quotient(*cost * 3600, in.summary->horizon.value());
}

template <auto Item>
Out per_month(In in) {
  const Out hourly = per_hour<Item>(in);
  return hourly ? Out(*hourly * kHoursPerMonth) : std::nullopt;
}

Out network_purchase(In in) {
  if (!cluster_faults(in.deployment.cluster).empty()) return std::nullopt;
  const double price = network_bill(in.deployment.cluster).price_usd();
  return price > 0 ? Out(price) : std::nullopt;
}

Out device_hour(In in) {
  const Out hourly = per_hour<kTotal>(in);
  if (!hourly) return std::nullopt;
  return quotient(*hourly, static_cast<double>(in.deployment.cluster.num_devices()));
}

// What `share` of a cost comes to for a million of `tokens`.
Out per_million(const Out& cost, const Out& share, std::int64_t tokens) {
  if (!cost || !share) return std::nullopt;
  return quotient(*cost * *share * 1e6, static_cast<double>(tokens));
}

template <auto Item>
Out million_output(In in) {
  const Out cost = item<Item>(in);
  return cost ? per_million(cost, 1.0, in.summary->output_tokens_done) : std::nullopt;
}

Out million_all(In in) {
  const Out cost = item<kTotal>(in);
  if (!cost) return std::nullopt;
  return per_million(cost, 1.0, in.summary->input_tokens_done + in.summary->output_tokens_done);
}

template <auto Item>
Out million_input(In in) {
  const Out cost = item<Item>(in);
  if (!cost) return std::nullopt;
  return per_million(cost, prompt_share(*in.summary), in.summary->input_tokens_done);
}

Out million_output_net(In in) {
  const Out cost = item<kTotal>(in);
  if (!cost) return std::nullopt;
  const Out prompts = prompt_share(*in.summary);
  if (!prompts) return std::nullopt;
  return per_million(cost, 1 - *prompts, in.summary->output_tokens_done);
}

// The part of the cost per million output tokens that pays for one kind of device time.
Out million_output_for(In in, double (*seconds)(const DeviceTime&)) {
  const Out cost = million_output<kTotal>(in);
  if (!cost) return std::nullopt;
  const DeviceTime time = device_time(in);
  const Out share = quotient(seconds(time), time.total());
  return share ? Out(*cost * *share) : std::nullopt;
}

template <Activity A>
Out activity(In in) {
  return million_output_for(
      in, [](const DeviceTime& time) { return time.seconds[static_cast<std::size_t>(A)]; });
}

Out unallocated(In in) {
  return million_output_for(in, [](const DeviceTime& time) { return time.unallocated; });
}

std::vector<MetricRow> cost_by_activity() {
  const std::string g = "cost";
  using A = Activity;
  const std::string paid = "The part of the cost per million output tokens that pays for ";
  return {
      {kCostComputePerMillionOutputTokens, "cost_compute_per_million_output_tokens_usd", "compute",
       g, "USD", paid + "device time in arithmetic.", activity<A::kCompute>},
      {kCostMemoryPerMillionOutputTokens, "cost_memory_per_million_output_tokens_usd", "memory", g,
       "USD", paid + "device time bound by memory bandwidth.", activity<A::kMemory>},
      {kCostCommunicationPerMillionOutputTokens, "cost_communication_per_million_output_tokens_usd",
       "communication", g, "USD", paid + "communication.", activity<A::kCommunication>},
      {kCostOverheadPerMillionOutputTokens, "cost_overhead_per_million_output_tokens_usd",
       "overhead", g, "USD", paid + "launches and host work.", activity<A::kOverhead>},
      {kCostImbalanceWaitPerMillionOutputTokens,
       "cost_imbalance_wait_per_million_output_tokens_usd", "imbalance wait", g, "USD",
       paid + "waiting for peers.", activity<A::kImbalanceWait>},
      {kCostIdlePerMillionOutputTokens, "cost_idle_per_million_output_tokens_usd", "idle", g, "USD",
       paid + "idle devices.", activity<A::kIdle>},
      {kCostUnallocatedPerMillionOutputTokens, "cost_unallocated_per_million_output_tokens_usd",
       "unallocated", g, "USD", paid + "devices that no rank uses.", unallocated},
  };
}

}  // namespace

std::vector<MetricRow> cost_metrics() {
  const std::string g = "cost";
  const std::string split = " (their share of the energy inside engine steps)";
  std::vector<MetricRow> table = {
      {kCostPerMillionOutputTokens, "cost_per_million_output_tokens_usd",
       "cost per million output tokens", g, "USD",
       "Whole cost over the output tokens alone, which carry the prompts.", million_output<kTotal>},
      {kCostPerMillionTokens, "cost_per_million_tokens_usd", "cost per million tokens", g, "USD",
       "Whole cost over input and output tokens together.", million_all},
      {kCostPerMillionInputTokens, "cost_per_million_input_tokens_usd",
       "cost per million input tokens", g, "USD",
       "Whole cost times the prompts' share, over the input tokens" + split + ".",
       million_input<kTotal>},
      {kCostPerMillionOutputTokensNet, "cost_per_million_output_tokens_net_usd",
       "cost per million output tokens, net", g, "USD",
       "Whole cost less the input tokens' part" + split +
           ", over the output tokens; the two prices add up to the whole cost.",
       million_output_net},
      {kCostPerHour, "cost_per_hour_usd", "cost per hour", g, "USD",
       "Whole cost over the measured time, per hour.", per_hour<kTotal>},
      {kCostPerDeviceHour, "cost_per_device_hour_usd", "cost per device hour", g, "USD",
       "The same per device of the cluster.", device_hour},
      {kCostPerMonth, "cost_per_month_usd", "cost per month", g, "USD",
       "Whole cost of 730 hours at the scenario's traffic.", per_month<kTotal>},
      {kCostTotal, "cost_total_usd", "cost", g, "USD",
       "Whole cost over the measured time: rental of all devices of the cluster, which contains "
       "electricity; where only a purchase price is known, amortisation and electricity.",
       item<kTotal>},
      {kCostRent, "cost_rent_usd", "rental", g, "USD",
       "Price per device hour times devices times hours.", item<&Cost::rent_usd>},
      {kCostAmortisation, "cost_amortisation_usd", "amortisation", g, "USD",
       "Accelerator purchase prices over four years, straight line (assumption); hosts and "
       "network are not in it.",
       item<&Cost::amortisation_usd>},
      {kCostNetworkPurchase, "cost_network_purchase_usd", "purchase of the network", g, "USD",
       "Switches, optics and cables between the nodes, bought; contained in no other cost.",
       network_purchase},
      {kCostElectricity, "cost_electricity_usd", "electricity", g, "USD",
       "Whole energy at the site's price; contained in a rental, not added to it.",
       item<kElectricity>},
      {kElectricityPerMillionInputTokens, "electricity_per_million_input_tokens_usd",
       "electricity per million input tokens", g, "USD",
       "Electricity times the prompts' share, over the input tokens" + split + ".",
       million_input<kElectricity>},
      {kElectricityPerMillionOutputTokens, "electricity_per_million_output_tokens_usd",
       "electricity per million output tokens", g, "USD",
       "Electricity over the output tokens alone, which carry the prompts.",
       million_output<kElectricity>},
      {kElectricityPerMonth, "electricity_per_month_usd", "electricity per month", g, "USD",
       "Electricity of 730 hours at the scenario's traffic.", per_month<kElectricity>},
  };
  for (MetricRow& entry : cost_by_activity()) table.push_back(std::move(entry));
  return table;
}

}  // namespace moesim
