// What the links carry, which one is fullest, and what faster ones would buy.
#include <algorithm>
#include <utility>

#include "reports/metrics/accounting.h"
#include "reports/metrics/communication_share.h"
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

enum Class { kScaleUp, kNic, kSpine };

const LinkUse* link_of(In in, Class which) {
  static constexpr const char* kNames[] = {"scale-up", "NIC", "spine"};
  if (!in.summary) return nullptr;
  for (const LinkUse& link : in.summary->network.links) {
    if (link.name == kNames[which]) return &link;
  }
  return nullptr;
}

template <auto Steps>
Out share_of_steps(In in) {
  if (!in.summary || (in.summary->network.*Steps).total <= Seconds(0)) return std::nullopt;
  return communication_share(in.summary->network.*Steps);
}

template <auto Steps, Phase P>
Out phase_share(In in) {
  if (!in.summary) return std::nullopt;
  const CommunicationTimes& times = in.summary->network.*Steps;
  return quotient(times.phases[static_cast<std::size_t>(P)].value(), times.total.value());
}

template <Class C>
Out bytes_per_token(In in) {
  const LinkUse* link = link_of(in, C);
  if (link == nullptr || !link->sent_known) return std::nullopt;
  return quotient(link->sent.value(), static_cast<double>(in.summary->output_tokens_done));
}

template <Class C>
Out joules_per_token(In in) {
  const LinkUse* link = link_of(in, C);
  if (link == nullptr) return std::nullopt;
  return quotient(link->energy.value(), static_cast<double>(in.summary->output_tokens_done));
}

template <Class C>
Out busy(In in) {
  const LinkUse* link = link_of(in, C);
  if (link == nullptr || !link->sent_known) return std::nullopt;
  return link->busy_share;
}

template <Class C>
Out gain(In in) {
  const LinkUse* link = link_of(in, C);
  return link == nullptr ? std::nullopt : link->doubled_gain;
}

Out fullest(In in) {
  const LinkUse* link = in.summary ? fullest_link(in.summary->network) : nullptr;
  if (link == nullptr) return std::nullopt;
  return link->fullest_busy_share;
}

const std::string kGroup = "network";

std::vector<MetricRow> communication_shares() {
  const std::string& g = kGroup;
  constexpr auto kPrompt = &NetworkSummary::prompt_steps;
  constexpr auto kDecode = &NetworkSummary::decode_steps;
  const std::string in_decode = "Share of the time of steps without prompt tokens.";
  const std::string in_prompt = "Share of the time of steps with prompt tokens.";
  return {
      {kCommOfDecodeStepsShare, "comm_of_decode_steps_share", "communication of decode steps", g,
       "share", in_decode, share_of_steps<kDecode>},
      {kCommOfPromptStepsShare, "comm_of_prompt_steps_share", "communication of prompt steps", g,
       "share", in_prompt, share_of_steps<kPrompt>},
      {kAllReduceOfDecodeStepsShare, "all_reduce_of_decode_steps_share",
       "all-reduce of decode steps", g, "share", in_decode,
       phase_share<kDecode, Phase::kAllReduce>},
      {kDispatchOfDecodeStepsShare, "dispatch_of_decode_steps_share", "dispatch of decode steps", g,
       "share", in_decode, phase_share<kDecode, Phase::kDispatch>},
      {kCombineOfDecodeStepsShare, "combine_of_decode_steps_share", "combine of decode steps", g,
       "share", in_decode, phase_share<kDecode, Phase::kCombine>},
      {kAllReduceOfPromptStepsShare, "all_reduce_of_prompt_steps_share",
       "all-reduce of prompt steps", g, "share", in_prompt,
       phase_share<kPrompt, Phase::kAllReduce>},
      {kDispatchOfPromptStepsShare, "dispatch_of_prompt_steps_share", "dispatch of prompt steps", g,
       "share", in_prompt, phase_share<kPrompt, Phase::kDispatch>},
      {kCombineOfPromptStepsShare, "combine_of_prompt_steps_share", "combine of prompt steps", g,
       "share", in_prompt, phase_share<kPrompt, Phase::kCombine>},
  };
}

std::vector<MetricRow> links() {
  const std::string& g = kGroup;
  const std::string doubled =
      "Share by which steps would be shorter with twice the bandwidth and the same latencies: some "
      "steps are priced again, without pipeline transfers and KV handovers.";
  const std::string idle_power = "Over the measured time; their power does not depend on traffic.";
  return {
      {kFullestPortDispatchBusyShare, "fullest_port_dispatch_busy_share",
       "fullest port while dispatching", g, "share",
       "Bytes through the fullest port over its bandwidth and the time of all dispatches; the "
       "report names it.",
       fullest},
      {kScaleUpBusyShare, "scale_up_busy_share", "scale-up links busy", g, "share",
       "Sent inside nodes over the capacity of all ports.", busy<kScaleUp>},
      {kNicBusyShare, "nic_busy_share", "NICs busy", g, "share",
       "Sent between nodes over the capacity of all NICs.", busy<kNic>},
      {kSpineBusyShare, "spine_busy_share", "spine links busy", g, "share",
       "Bytes that cross the leaves over the capacity of their up-links and down-links.",
       busy<kSpine>},
      {kScaleUpBytesPerOutputToken, "scale_up_bytes_per_output_token",
       "scale-up bytes per output token", g, "B", "Sent through links inside nodes.",
       bytes_per_token<kScaleUp>},
      {kNicBytesPerOutputToken, "nic_bytes_per_output_token", "NIC bytes per output token", g, "B",
       "Sent through NICs.", bytes_per_token<kNic>},
      {kSpineBytesPerOutputToken, "spine_bytes_per_output_token", "spine bytes per output token", g,
       "B",
       "Of the NIC bytes: those whose route leaves the leaf, by the rank pairs of dispatch; up to "
       "128 ranks.",
       bytes_per_token<kSpine>},
      {kScaleUpEnergyPerOutputToken, "scale_up_energy_per_output_token_j",
       "scale-up energy per output token", g, "J",
       "Energy that the bytes add to the devices' power while they communicate.",
       joules_per_token<kScaleUp>},
      {kNicEnergyPerOutputToken, "nic_energy_per_output_token_j", "NIC energy per output token", g,
       "J", idle_power, joules_per_token<kNic>},
      {kSpineEnergyPerOutputToken, "spine_energy_per_output_token_j",
       "switch and optics energy per output token", g, "J", idle_power, joules_per_token<kSpine>},
      {kDoubledScaleUpGainShare, "doubled_scale_up_gain_share", "gain of doubled scale-up links", g,
       "share", doubled, gain<kScaleUp>},
      {kDoubledNicGainShare, "doubled_nic_gain_share", "gain of doubled NICs", g, "share", doubled,
       gain<kNic>},
      {kDoubledSpineGainShare, "doubled_spine_gain_share", "gain of doubled spine links", g,
       "share", doubled + " 0 where the NICs are the limit.", gain<kSpine>},
  };
}

}  // namespace

std::vector<MetricRow> network_metrics() {
  std::vector<MetricRow> rows = communication_shares();
  for (MetricRow& row : links()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace moesim
