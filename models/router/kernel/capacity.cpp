#include "models/router/kernel/capacity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moesim {

namespace {

double capacity_factor(const CapacitySpec& capacity, RoutingPhase phase) {
  const bool training = phase == RoutingPhase::kTraining;
  return training ? capacity.training_factor.value_or(capacity.factor) : capacity.factor;
}

void drop(RoutedTokens routed, std::size_t pair) {
  routed.ids[pair] = kNoExpert;
  if (!routed.weights.empty()) routed.weights[pair] = 0;
}

// Pairs of each of `bins` bins, in order of arrival: token by token, or all first choices of the
// tokens before all second ones.
std::vector<std::vector<std::size_t>> arrivals(std::span<const std::uint16_t> ids,
                                               std::size_t tokens, std::size_t bins,
                                               std::size_t experts_per_bin, bool by_choice) {
  std::vector<std::vector<std::size_t>> pairs(bins);
  const std::size_t slots = tokens == 0 ? 0 : ids.size() / tokens;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::size_t pair = by_choice ? i % tokens * slots + i / tokens : i;
    const std::size_t bin = ids[pair] / experts_per_bin;
    if (bin < bins) pairs[bin].push_back(pair);
  }
  return pairs;
}

// The heaviest first; equal weights stay in order of arrival.
void sort_by_weight(std::span<const float> weights, std::vector<std::size_t>& pairs) {
  if (weights.empty()) return;
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
}

}  // namespace

bool is_dropless(const CapacitySpec& capacity, RoutingPhase phase) {
  return capacity.fixed == 0 && capacity_factor(capacity, phase) <= 0;
}

std::int64_t expert_capacity(const MoeSpec& moe, std::int64_t tokens, RoutingPhase phase) {
  const CapacitySpec& capacity = moe.router.capacity;
  if (is_dropless(capacity, phase)) return tokens;
  if (capacity.fixed > 0) return std::min(tokens, capacity.fixed);
  const double share = capacity_factor(capacity, phase) * static_cast<double>(tokens) *
                       static_cast<double>(moe.top_k) / static_cast<double>(moe.num_experts);
  // Rounding may leave a whole number a hair too large: 1.1 * 10 = 11 + 2e-15.
  const double rounded = std::ceil(share * (1 - 1e-12));
  if (rounded >= static_cast<double>(tokens)) return tokens;
  return std::min(tokens, std::max(static_cast<std::int64_t>(rounded), capacity.least));
}

std::int64_t expert_rows(const MoeSpec& moe, std::int64_t kept, std::int64_t tokens,
                         RoutingPhase phase) {
  const CapacitySpec& capacity = moe.router.capacity;
  if (capacity.pad && !is_dropless(capacity, phase)) return expert_capacity(moe, tokens, phase);
  return (kept + capacity.block - 1) / capacity.block * capacity.block;
}

BatchLoad apply_capacity(const MoeSpec& moe, RoutedTokens routed, std::int64_t tokens,
                         RoutingPhase phase) {
  const RouterSpec& router = moe.router;
  const auto capacity = static_cast<std::size_t>(expert_capacity(moe, tokens, phase));
  std::vector<std::vector<std::size_t>> pairs = arrivals(
      routed.ids, static_cast<std::size_t>(tokens), static_cast<std::size_t>(moe.num_experts), 1,
      router.rule == SelectionRule::kRandomSecond);
  BatchLoad load;
  for (std::vector<std::size_t>& mine : pairs) {
    if (mine.size() > capacity) {
      if (router.capacity.drop == DropPolicy::kByWeight) sort_by_weight(routed.weights, mine);
      for (std::size_t i = capacity; i < mine.size(); ++i) drop(routed, mine[i]);
      load.dropped += static_cast<std::int64_t>(mine.size() - capacity);
      mine.resize(capacity);
    }
    load.kept.push_back(static_cast<std::int64_t>(mine.size()));
    load.rows.push_back(expert_rows(moe, load.kept.back(), tokens, phase));
  }
  return load;
}

BatchLoad apply_device_budget(const MoeSpec& moe, RoutedTokens routed, std::int64_t tokens,
                              const DeviceBudget& budget) {
  const auto devices = static_cast<std::size_t>(budget.devices);
  const auto per_device = static_cast<std::size_t>(moe.num_experts / budget.devices);
  std::vector<std::vector<std::size_t>> pairs =
      arrivals(routed.ids, static_cast<std::size_t>(tokens), devices, per_device, false);
  std::size_t sent = 0;
  for (const std::vector<std::size_t>& mine : pairs) sent += mine.size();
  const double mean = static_cast<double>(sent) / static_cast<double>(devices);
  const auto most = static_cast<std::size_t>(std::floor(budget.factor * mean * (1 + 1e-12)));
  const auto slots = tokens == 0 ? 1 : routed.ids.size() / static_cast<std::size_t>(tokens);
  const std::size_t open = static_cast<std::size_t>(budget.protected_tokens) * slots;
  BatchLoad load;
  load.kept.assign(static_cast<std::size_t>(moe.num_experts), 0);
  for (std::vector<std::size_t>& mine : pairs) {
    sort_by_weight(routed.weights, mine);
    std::size_t over = mine.size() > most ? mine.size() - most : 0;
    for (std::size_t i = mine.size(); i > 0; --i) {
      const std::size_t pair = mine[i - 1];
      if (over > 0 && pair >= open) {
        drop(routed, pair);
        --over;
        ++load.dropped;
      } else {
        ++load.kept[routed.ids[pair]];
      }
    }
  }
  for (const std::int64_t kept : load.kept) {
    load.rows.push_back(expert_rows(moe, kept, tokens, RoutingPhase::kTraining));
  }
  return load;
}

}  // namespace moesim
