#include "models/spec/parallel_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/input_error.h"

namespace moesim {
namespace {

// Widths are compared with device counts only; a product that overflows is simply too large.
std::int64_t product(std::initializer_list<std::int64_t> factors) {
  std::int64_t result = 1;
  for (const std::int64_t factor : factors) {
    if (factor > std::numeric_limits<std::int64_t>::max() / std::max<std::int64_t>(result, 1)) {
      return std::numeric_limits<std::int64_t>::max();
    }
    result *= factor;
  }
  return result;
}

// "1, 2, 4, 8": divisors of `number` up to `limit`.
std::string divisors(std::int64_t number, std::int64_t limit) {
  std::vector<std::string> words;
  for (std::int64_t d = 1; d <= std::min(number, limit); ++d) {
    if (number % d == 0) words.push_back(std::to_string(d));
  }
  return comma_list(words);
}

class PlanChecker {
 public:
  PlanChecker(const ParallelPlan& plan, const ModelSpec& model, std::int64_t devices)
      : plan_(plan), model_(model), devices_(devices) {}

  std::vector<PlanFault> check(std::int64_t redundant_experts) {
    check_positive(redundant_experts);
    if (!faults_.empty()) return faults_;
    check_devices();
    return check_widths(redundant_experts);
  }

  // All but the number of devices.
  std::vector<PlanFault> check_shape(std::int64_t redundant_experts) {
    check_positive(redundant_experts);
    return faults_.empty() ? check_widths(redundant_experts) : faults_;
  }

 private:
  std::vector<PlanFault> check_widths(std::int64_t redundant_experts) {
    for (const LayerSpec& layer : model_.layers) check_layer(layer);
    if (model_.is_moe()) {
      check_expert_ranks();
      for (const LayerSpec& layer : model_.layers) {
        if (layer.moe) check_experts(*layer.moe, redundant_experts);
      }
    } else {
      check_dense(redundant_experts);
    }
    return faults_;
  }

  // Equal layers have equal faults: each is reported once.
  void fault(const std::string& path, std::int64_t value, const std::string& allowed,
             std::int64_t ranks = 0) {
    const auto same = [&](const PlanFault& f) { return f.path == path && f.allowed == allowed; };
    if (std::any_of(faults_.begin(), faults_.end(), same)) return;
    faults_.push_back({path, std::to_string(value), allowed, ranks});
  }

  void must_divide(const std::string& path, std::int64_t value, std::int64_t number,
                   const std::string& what) {
    if (number == 0 || number % value == 0) return;
    fault(
        path, value,
        fmt::format("must divide the model's {} {}: {}", number, what, divisors(number, devices_)));
  }

  void check_positive(std::int64_t redundant_experts) {
    const std::pair<const char*, std::int64_t> widths[] = {
        {"tp", plan_.tp}, {"pp", plan_.pp},         {"attention_dp", plan_.attention_dp},
        {"ep", plan_.ep}, {"moe_tp", plan_.moe_tp}, {"replicas", plan_.replicas}};
    for (const auto& [path, value] : widths) {
      if (value < 1) fault(path, value, "must be at least 1");
    }
    if (redundant_experts < 0) fault("redundant_experts", redundant_experts, "must be at least 0");
  }

  void check_devices() {
    const std::int64_t replica = product({plan_.tp, plan_.attention_dp, plan_.pp});
    const std::int64_t ranks = product({replica, plan_.replicas});
    if (ranks == devices_) return;
    if (replica <= devices_ && devices_ % replica == 0) {
      fault("replicas", plan_.replicas,
            fmt::format("must be {}: tp {} * attention_dp {} * pp {} = {} devices a replica, the "
                        "cluster has {}",
                        devices_ / replica, plan_.tp, plan_.attention_dp, plan_.pp, replica,
                        devices_),
            ranks);
      return;
    }
    fault("tp", plan_.tp,
          fmt::format("tp {} * attention_dp {} * pp {} * replicas {} must equal the cluster's {} "
                      "devices",
                      plan_.tp, plan_.attention_dp, plan_.pp, plan_.replicas, devices_),
          ranks);
  }

  void check_layer(const LayerSpec& layer) {
    const std::int64_t layers = static_cast<std::int64_t>(model_.layers.size());
    if (plan_.pp > layers) {
      fault("pp", plan_.pp, fmt::format("must be at most the model's {} layers", layers));
    }
    check_heads(layer.attention);
    must_divide("tp", plan_.tp, layer.dense_width, "columns of the dense feed-forward block");
    if (layer.moe) {
      must_divide("tp", plan_.tp, layer.moe->shared_width, "columns of the shared experts");
    }
  }

  void check_heads(const AttentionSpec& a) {
    if (a.kind == AttentionKind::kNone) return;
    if (a.num_heads == 1 && a.kind == AttentionKind::kLinear) {
      must_divide("tp", plan_.tp, a.v_head_dim, "channels of the state-space layers");
      return;
    }
    must_divide("tp", plan_.tp, a.num_heads, "attention heads");
    if (a.kind != AttentionKind::kGrouped || a.num_kv_heads == 0) return;
    if (a.num_kv_heads % plan_.tp == 0 || plan_.tp % a.num_kv_heads == 0) return;
    fault("tp", plan_.tp,
          fmt::format("must divide the model's {} KV heads ({}) or be a multiple of them",
                      a.num_kv_heads, divisors(a.num_kv_heads, devices_)));
  }

  void check_expert_ranks() {
    const std::int64_t ranks = product({plan_.tp, plan_.attention_dp});
    if (product({plan_.ep, plan_.moe_tp}) == ranks) return;
    const std::string remedy = ranks % plan_.ep == 0
                                   ? fmt::format(": moe_tp {} or ep {}", ranks / plan_.ep, ranks)
                                   : fmt::format(": ep may be {}", divisors(ranks, devices_));
    fault("ep", plan_.ep,
          fmt::format("ep {} * moe_tp {} must equal tp {} * attention_dp {} = {}{}", plan_.ep,
                      plan_.moe_tp, plan_.tp, plan_.attention_dp, ranks, remedy));
  }

  void check_experts(const MoeSpec& moe, std::int64_t redundant) {
    must_divide("moe_tp", plan_.moe_tp, moe.expert_width, "columns of an expert");
    if (redundant == 0) {
      must_divide("ep", plan_.ep, moe.num_experts, "experts");
      return;
    }
    if (plan_.ep > devices_) return;  // Reported already; the sums below need not overflow for it.
    if (plan_.ep == 1) {
      fault("redundant_experts", redundant, "needs ep > 1: copies on one group relieve nothing");
      return;
    }
    const std::int64_t most = product({moe.num_experts, plan_.ep - 1});
    if (redundant > most) {
      fault("redundant_experts", redundant,
            fmt::format("must be at most {}: every expert on each of {} groups", most, plan_.ep));
      return;
    }
    if ((moe.num_experts + redundant) % plan_.ep == 0) return;
    const std::int64_t fill = (plan_.ep - moe.num_experts % plan_.ep) % plan_.ep;
    fault("redundant_experts", redundant,
          fmt::format("the model's {} experts and the redundant ones must be a multiple of ep {}: "
                      "{}, {}, {}, ...",
                      moe.num_experts, plan_.ep, fill, fill + plan_.ep, fill + 2 * plan_.ep));
  }

  void check_dense(std::int64_t redundant) {
    if (plan_.ep != 1) fault("ep", plan_.ep, "must be 1: the model is dense");
    if (plan_.moe_tp != 1) fault("moe_tp", plan_.moe_tp, "must be 1: the model is dense");
    if (redundant != 0) {
      fault("redundant_experts", redundant, "must be 0: the model is dense");
    }
  }

  const ParallelPlan& plan_;
  const ModelSpec& model_;
  std::int64_t devices_;
  std::vector<PlanFault> faults_;
};

}  // namespace

std::vector<PlanFault> plan_faults(const ParallelPlan& plan, const ModelSpec& model,
                                   std::int64_t devices, std::int64_t redundant_experts) {
  return PlanChecker(plan, model, devices).check(redundant_experts);
}

PoolFaults pool_faults(const ParallelPlan& prefill, const ParallelPlan& decode,
                       const ModelSpec& model, std::int64_t devices,
                       std::int64_t redundant_experts) {
  PoolFaults faults{PlanChecker(prefill, model, devices).check_shape(redundant_experts),
                    PlanChecker(decode, model, devices).check_shape(redundant_experts)};
  const std::int64_t a = product({prefill.tp, prefill.attention_dp, prefill.pp, prefill.replicas});
  const std::int64_t b = product({decode.tp, decode.attention_dp, decode.pp, decode.replicas});
  if (a <= devices && b == devices - a) return faults;
  faults.prefill.push_back(
      {"replicas", std::to_string(prefill.replicas),
       fmt::format("prefill workers take {} devices and decode workers {}, which must add up to "
                   "the cluster's {}",
                   a, b, devices),
       a < devices && b < devices ? a + b : 0});
  return faults;
}

LayerRange stage_layers(std::int64_t num_layers, std::int64_t pp, std::int64_t stage) {
  const std::int64_t base = num_layers / pp;
  const std::int64_t longer = num_layers % pp;
  const std::int64_t first = stage * base + std::min(stage, longer);
  return {first, first + base + (stage < longer ? 1 : 0)};
}

}  // namespace moesim
