// Conditions on a scheme, so that no input makes routing fail half-way.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/router/kernel/router_kernel.h"

namespace moesim {

namespace {

constexpr std::int64_t kMostGroups = 1024;  // Group scores are compared pair by pair.

[[noreturn]] void refuse(const char* name, const auto& value, const std::string& allowed) {
  throw std::invalid_argument(fmt::format("{}: {}: {} expected", name, value, allowed));
}

void check_range(const char* name, std::int64_t value, std::int64_t most, const char* what) {
  if (value < 1 || value > most) refuse(name, value, fmt::format("from 1 to {}{}", most, what));
}

void check_least(const char* name, auto value, int least) {
  const bool holds = value >= least && std::isfinite(static_cast<double>(value));
  if (!holds) refuse(name, value, fmt::format("at least {}", least));
}

void check_sizes(const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  check_least("num_experts", moe.num_experts, 1);
  check_least("zero_experts", router.num_zero_experts, 0);
  if (moe.num_experts > kNoExpert || router.num_zero_experts > kNoExpert - moe.num_experts) {
    refuse("num_experts", moe.num_experts,
           fmt::format("at most {} with the zero experts", kNoExpert));
  }
  const std::int64_t outputs = gate_outputs(moe);
  check_range("top_k", moe.top_k, outputs, ", the experts,");
  check_range("num_groups", router.num_groups, std::min(outputs, kMostGroups), "");
  if (outputs % router.num_groups != 0) {
    refuse("num_groups", router.num_groups, fmt::format("a divisor of the {} experts", outputs));
  }
  check_range("top_groups", router.top_groups, router.num_groups, ", the groups,");
}

void check_numbers(const RouterSpec& router) {
  const CapacitySpec& capacity = router.capacity;
  if (!std::isfinite(router.scaling)) refuse("scaling", router.scaling, "a finite number");
  check_least("jitter", router.jitter, 0);
  if (router.jitter >= 1) refuse("jitter", router.jitter, "below 1");
  check_least("mixer_jitter", router.mixer_jitter, 0);
  check_least("renormalise_floor", router.renormalise_floor, 0);
  check_least("capacity.factor", capacity.factor, 0);
  check_least("capacity.training_factor", capacity.training_factor.value_or(0), 0);
  check_least("capacity.least", capacity.least, 0);
  check_least("capacity.fixed", capacity.fixed, 0);
  check_least("capacity.block", capacity.block, 1);
}

void check_rule(const MoeSpec& moe, RoutingPhase phase) {
  switch (moe.router.rule) {
    case SelectionRule::kRandomSecond:
      if (moe.top_k != 2) refuse("top_k", moe.top_k, "2 for a random second expert");
      return;
    case SelectionRule::kBalancedAssignment:
      if (moe.top_k != 1) refuse("top_k", moe.top_k, "1 for a balanced assignment");
      return;
    case SelectionRule::kHash:
      return check_range("top_k", moe.top_k, moe.num_experts, ", the routed experts,");
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
