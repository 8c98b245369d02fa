// What a scheme must hold so that no input makes routing fail half-way.
#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "models/router/kernel/router_kernel.h"

namespace moesim {

namespace {

constexpr std::int64_t kMostGroups = 1024;  // Group scores are compared pair by pair.

void require(bool holds, const char* name, const auto& value, const std::string& allowed) {
  if (!holds) throw std::invalid_argument(fmt::format("{}: {}: {} expected", name, value, allowed));
}

void check_sizes(const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  const std::int64_t outputs = gate_outputs(moe);
  require(moe.num_experts >= 1, "num_experts", moe.num_experts, "at least 1");
  require(router.num_zero_experts >= 0, "zero_experts", router.num_zero_experts, "at least 0");
  require(outputs <= kNoExpert, "num_experts", outputs,
          fmt::format("at most {} with the zero experts", kNoExpert));
  require(moe.top_k >= 1 && moe.top_k <= outputs, "top_k", moe.top_k,
          fmt::format("from 1 to the {} experts", outputs));
  require(router.num_groups >= 1 && router.num_groups <= kMostGroups, "num_groups",
          router.num_groups, fmt::format("from 1 to {}", kMostGroups));
  require(outputs % router.num_groups == 0, "num_groups", router.num_groups,
          fmt::format("a divisor of the {} experts", outputs));
  require(router.top_groups >= 1 && router.top_groups <= router.num_groups, "top_groups",
          router.top_groups, fmt::format("from 1 to the {} groups", router.num_groups));
}

void check_numbers(const RouterSpec& router) {
  const CapacitySpec& capacity = router.capacity;
  const auto not_negative = [](double value) { return std::isfinite(value) && value >= 0; };
  require(std::isfinite(router.scaling), "scaling", router.scaling, "a finite number");
  require(not_negative(router.jitter) && router.jitter < 1, "jitter", router.jitter,
          "from 0 to below 1");
  require(not_negative(router.mixer_jitter), "mixer_jitter", router.mixer_jitter, "at least 0");
  require(not_negative(router.renormalise_floor), "renormalise_floor", router.renormalise_floor,
          "at least 0");
  require(not_negative(capacity.factor), "capacity.factor", capacity.factor, "at least 0");
  require(not_negative(capacity.training_factor.value_or(0)), "capacity.training_factor",
          capacity.training_factor.value_or(0), "at least 0");
  require(capacity.least >= 0, "capacity.least", capacity.least, "at least 0");
  require(capacity.fixed >= 0, "capacity.fixed", capacity.fixed, "at least 0");
  require(capacity.block >= 1, "capacity.block", capacity.block, "at least 1");
}

void check_rule(const MoeSpec& moe, RoutingPhase phase) {
  switch (moe.router.rule) {
    case SelectionRule::kRandomSecond:
      return require(moe.top_k == 2, "top_k", moe.top_k, "2 for a random second expert");
    case SelectionRule::kBalancedAssignment:
      return require(moe.top_k == 1, "top_k", moe.top_k, "1 for a balanced assignment");
    case SelectionRule::kHash:
      return require(moe.top_k <= moe.num_experts, "top_k", moe.top_k,
                     fmt::format("at most the {} routed experts", moe.num_experts));
    case SelectionRule::kExpertChoice:
      if (phase != RoutingPhase::kDecode) return;
      throw std::invalid_argument(
          "expert choice: training or prefill expected, because experts choose among all tokens of "
          "a batch and decoding knows only the past ones");
    case SelectionRule::kTopK:
    case SelectionRule::kNoisyTopK:
    case SelectionRule::kSparseMixer:
    case SelectionRule::kSinkhorn:
    case SelectionRule::kQuantile:
      return;
  }
}

}  // namespace

void check_router(const MoeSpec& moe, RoutingPhase phase) {
  check_sizes(moe);
  check_numbers(moe.router);
  check_rule(moe, phase);
}

}  // namespace moesim
