#include "models/placement/coactivation.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace moesim {
namespace {

// A bound that no search came near: a pass without a swap ends it.
constexpr int kMostPasses = 64;

// v of the header for experts with one replica each.
std::vector<double> pair_values(const ExpertProfile& profile) {
  const std::size_t experts = profile.counts.size();
  std::vector<double> values = profile.together;
  const std::size_t sequences = profile.by_sequence.size() / experts;
  std::vector<double> excess(experts);
  for (std::size_t s = 0; s < sequences; ++s) {
    for (std::size_t e = 0; e < experts; ++e) {
      excess[e] =
          profile.by_sequence[s * experts + e] - profile.counts[e] / static_cast<double>(sequences);
    }
    for (std::size_t e = 0; e < experts; ++e) {
      const double weight = kSequenceWeight * excess[e];
      double* const row = values.data() + e * experts;
      for (std::size_t f = 0; f < experts; ++f) row[f] -= weight * excess[f];
    }
  }
  for (std::size_t e = 0; e < experts; ++e) values[e * experts + e] = 0;
  return values;
}

// Hill climbing over which expert each slot holds; slots stay where they are.
class SwapSearch {
 public:
  SwapSearch(const ExpertProfile& profile, const PlacementShape& shape, const LayerPlacement& start)
      : profile_(profile),
        values_(pair_values(profile)),
        groups_(static_cast<std::size_t>(shape.groups)),
        nodes_(static_cast<std::size_t>(shape.groups % shape.nodes == 0 ? shape.nodes : 1)),
        stay_on_node_(shape.router_groups > 1),
        experts_(profile.counts.size()),
        expert_(start.expert_of_slot.begin(), start.expert_of_slot.end()),
        slots_(expert_.size()) {
    for (const auto& slots : start.slots_of_expert) {
      copies_.push_back(static_cast<double>(slots.size()));
    }
    load_.assign(groups_, 0);
    holds_.assign(groups_ * experts_, 0);
    for (std::size_t s = 0; s < slots_; ++s) {
      load_[group_of(s)] += weight(s);
      ++holds_[group_of(s) * experts_ + expert_[s]];
    }
    const double mean =
        std::accumulate(load_.begin(), load_.end(), 0.0) / static_cast<double>(groups_);
    allowed_ = mean * (1 + kBalanceTolerance);
    in_group_.resize(slots_ * groups_);
    in_node_.resize(slots_ * nodes_);
    for (std::size_t s = 0; s < slots_; ++s) sum_up(s);
  }

  std::vector<std::int32_t> run() {
    bool improved = true;
    for (int pass = 0; pass < kMostPasses && improved; ++pass) {
      improved = false;
      for (std::size_t a = 0; a < slots_; ++a) {
        const std::size_t b = best_partner(a);
        if (b == slots_) continue;
        swap(a, b);
        improved = true;
      }
    }
    return {expert_.begin(), expert_.end()};
  }

 private:
  std::size_t group_of(std::size_t slot) const { return slot * groups_ / slots_; }
  std::size_t node_of(std::size_t slot) const { return slot * nodes_ / slots_; }
  double weight(std::size_t slot) const {
    return profile_.counts[expert_[slot]] / copies_[expert_[slot]];
  }
  double value(std::size_t a, std::size_t b) const {
    const std::size_t x = expert_[a], y = expert_[b];
    return values_[x * experts_ + y] / (copies_[x] * copies_[y]);
  }

  // Sums of a slot's value with every group and node.
  void sum_up(std::size_t slot) {
    double* const group = in_group_.data() + slot * groups_;
    double* const node = in_node_.data() + slot * nodes_;
    std::fill(group, group + groups_, 0.0);
    std::fill(node, node + nodes_, 0.0);
    for (std::size_t s = 0; s < slots_; ++s) {
      const double shared = s == slot ? 0.0 : value(slot, s);
      group[group_of(s)] += shared;
      node[node_of(s)] += shared;
    }
  }

  bool keeps_balance(std::size_t a, std::size_t b) const {
    const double first = load_[group_of(a)], second = load_[group_of(b)];
    const double moved = weight(b) - weight(a);
    return std::max(first + moved, second - moved) <= std::max({first, second, allowed_});
  }

  bool may_swap(std::size_t a, std::size_t b) const {
    if (group_of(a) == group_of(b) || expert_[a] == expert_[b]) return false;
    if (stay_on_node_ && node_of(a) != node_of(b)) return false;
    if (holds_[group_of(a) * experts_ + expert_[b]] > 0) return false;
    if (holds_[group_of(b) * experts_ + expert_[a]] > 0) return false;
    return keeps_balance(a, b);
  }

  // Gain of both sides, each counted without the other slot, which leaves as this one comes.
  double gain(std::size_t a, std::size_t b) const {
    const double shared = 2 * value(a, b);
    const std::size_t ga = group_of(a), gb = group_of(b), na = node_of(a), nb = node_of(b);
    const double* const group_a = in_group_.data() + a * groups_;
    const double* const group_b = in_group_.data() + b * groups_;
    double sum = group_a[gb] - group_a[ga] + group_b[ga] - group_b[gb] - shared;
    if (na == nb) return sum;
    const double* const node_a = in_node_.data() + a * nodes_;
    const double* const node_b = in_node_.data() + b * nodes_;
    sum += kNodeWeight * (node_a[nb] - node_a[na] + node_b[na] - node_b[nb] - shared);
    return sum;
  }

  // The slot whose expert would best be exchanged with a's; the number of slots if none would.
  std::size_t best_partner(std::size_t a) const {
    constexpr double kLeastGain = 1e-6;  // Above the rounding of the sums.
    double most = kLeastGain;
    std::size_t best = slots_;
    for (std::size_t b = 0; b < slots_; ++b) {
      const double improvement = gain(a, b);
      if (improvement <= most || !may_swap(a, b)) continue;
      most = improvement;
      best = b;
    }
    return best;
  }

  void swap(std::size_t a, std::size_t b) {
    const std::size_t ga = group_of(a), gb = group_of(b), na = node_of(a), nb = node_of(b);
    for (std::size_t s = 0; s < slots_; ++s) {
      if (s == a || s == b) continue;
      const double change = value(s, b) - value(s, a);
      in_group_[s * groups_ + ga] += change;
      in_group_[s * groups_ + gb] -= change;
      in_node_[s * nodes_ + na] += change;
      in_node_[s * nodes_ + nb] -= change;
    }
    const double moved = weight(b) - weight(a);
    load_[ga] += moved;
    load_[gb] -= moved;
    --holds_[ga * experts_ + expert_[a]];
    --holds_[gb * experts_ + expert_[b]];
    std::swap(expert_[a], expert_[b]);
    ++holds_[ga * experts_ + expert_[a]];
    ++holds_[gb * experts_ + expert_[b]];
    sum_up(a);
    sum_up(b);
  }

  const ExpertProfile& profile_;
  std::vector<double> values_;  // [expert * experts + expert]
  std::size_t groups_;
  std::size_t nodes_;
  bool stay_on_node_;
  std::size_t experts_;
  std::vector<std::size_t> expert_;  // [slot]
  std::size_t slots_;
  std::vector<double> copies_;    // [expert]
  std::vector<double> load_;      // [group]
  std::vector<int> holds_;        // [group * experts + expert] slots.
  double allowed_ = 0;            // Load that a swap may always reach.
  std::vector<double> in_group_;  // [slot * groups + group] value with the slots there.
  std::vector<double> in_node_;   // [slot * nodes + node]
};

}  // namespace

LayerPlacement place_coactivation(const ExpertProfile& profile, const PlacementShape& shape) {
  const LayerPlacement start = place_eplb(profile.counts, shape);
  SwapSearch search(profile, shape, start);
  return placement_of_slots(search.run(), static_cast<std::int64_t>(profile.counts.size()),
                            shape.groups);
}

}  // namespace moesim
