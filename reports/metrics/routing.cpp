// Routing of tokens to experts, and what the model asks of the memory.
#include <algorithm>

#include "models/spec/kv_bytes.h"
#include "reports/metrics/accounting.h"
#include "reports/metrics/groups.h"

namespace moesim {
namespace {

using enum Metric;

using In = const MetricInput&;
using Out = std::optional<double>;

template <auto Statistic>
Out routing(In in) {
  if (!in.summary || in.summary->routing.load.empty()) return std::nullopt;
  return in.summary->routing.*Statistic;
}

// Nothing where no step only decodes.
Out experts_hit(In in) {
  if (!in.summary || !(in.summary->routing.decode_experts_hit > 0)) return std::nullopt;
  return in.summary->routing.decode_experts_hit;
}

// Weights that a decode step reads, over the sequences that share the reading.
//   ranks * (weights - routed * (1 - hit / slots)) / batch
// with `hit` of `slots` experts per layer touched by a step. The fullest device stands for all
// ranks.
Out weights_read(In in) {
  if (!in.summary) return std::nullopt;
  double routed_share = 1;
  if (in.deployment.model.is_moe()) {
    const auto experts = static_cast<double>(in.deployment.model.moe().num_experts);
    const Out hit = quotient(in.summary->routing.decode_experts_hit, experts);
    if (!hit || !(*hit > 0)) return std::nullopt;
    routed_share = std::min(1.0, *hit);
  }
  const double routed = in.memory.routed_weights.value();
  const double read = in.memory.weights().value() - routed * (1 - routed_share);
  const auto ranks = static_cast<double>(in.deployment.plan.replica_ranks());
  return quotient(ranks * read, in.summary->mean_batch);
}

Out kv_read(In in) {
  if (!in.summary) return std::nullopt;
  const Out context = mean_context_tokens(*in.summary);
  if (!context) return std::nullopt;
  const auto tokens = static_cast<std::int64_t>(*context);
  return kv_bytes(in.deployment.model, tokens, in.deployment.dtypes.kv).value();
}

}  // namespace

std::vector<MetricRow> routing_metrics() {
  const std::string g = "routing";
  using R = RoutingSummary;
  return {
      {kExpertLoadMaxOverMean, "expert_load_max_over_mean", "hottest expert over mean", g, "ratio",
       "Tokens of the most loaded expert over the mean expert, mean over layers.",
       routing<&R::max_over_mean>},
      {kExpertLoadGini, "expert_load_gini", "Gini of expert load", g, "ratio",
       "Inequality of the experts' loads: 0 = equal, near 1 = one expert has all.",
       routing<&R::gini>},
      {kExpertLoadCv, "expert_load_cv", "spread of expert load", g, "ratio",
       "Standard deviation of the experts' loads over their mean, mean over layers.",
       routing<&R::cv>},
      {kExpertLoadEntropy, "expert_load_entropy", "entropy of expert load", g, "ratio",
       "Entropy of the experts' shares of the load over that of equal shares: 1 = equal.",
       routing<&R::entropy>},
      {kDecodeExpertsHit, "decode_experts_hit", "experts hit per decode step", g, "count",
       "Distinct experts that a layer touches in a decode-only step, mean.", experts_hit},
      {kEpGroupMaxOverMean, "ep_group_max_over_mean", "fullest EP group over mean", g, "ratio",
       "Token-expert pairs of the fullest expert-parallel group over the mean group.",
       routing<&R::group_max_over_mean>},
      {kImbalanceWaitShareOfBusyTime, "imbalance_wait_share_of_busy_time", "time lost to imbalance",
       g, "share",
       "Share of the devices' time in steps that they wait for a peer with more tokens.",
       routing<&R::imbalance_wait_share>},
      {kDroppedPairsShare, "dropped_pairs_share", "choices dropped", g, "share",
       "Token-expert pairs beyond an expert's capacity, which are left out.",
       routing<&R::dropped_share>},
  };
}

std::vector<MetricRow> model_metrics() {
  const std::string g = "deployment";
  return {
      {kDevices, "devices", "devices", g, "count",
       "Devices of the cluster; all of them are paid for.",
       [](In in) -> Out { return static_cast<double>(in.deployment.cluster.num_devices()); }},
      {kDevicesWithRank, "devices_with_rank", "devices with a rank", g, "count",
       "Devices that the parallel plan uses.",
       [](In in) -> Out { return static_cast<double>(in.deployment.total_ranks()); }},
      {kReplicas, "replicas", "replicas", g, "count",
       "Replicas of the model; with separate pools, of the decode pool.",
       [](In in) -> Out { return static_cast<double>(in.deployment.plan.replicas); }},
      {kParamsTotal, "params_total", "parameters", g, "count", "Parameters of the model.",
       [](In in) -> Out {
         return static_cast<double>(count_parameters(in.deployment.model).total);
       }},
      {kParamsActive, "params_active", "active parameters", g, "count",
       "Parameters that one token touches.",
       [](In in) -> Out {
         return static_cast<double>(count_parameters(in.deployment.model).active);
       }},
      {kWeightsReadPerOutputTokenBytes, "weights_read_per_output_token_bytes",
       "weights read per output token", g, "B",
       "Weights that a decode step of one replica reads, over its mean batch; of the routed "
       "experts only those hit (estimate from the memory ledger).",
       weights_read},
      {kKvReadPerOutputTokenBytes, "kv_read_per_output_token_bytes",
       "KV cache read per output token", g, "B",
       "KV cache of one sequence at the mean context: mean input and half the mean output.",
       kv_read},
  };
}

}  // namespace moesim
