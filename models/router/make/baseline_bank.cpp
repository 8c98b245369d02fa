#include "models/router/make/baseline_bank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "base/random.h"
#include "models/router/kernel/selection.h"

namespace moesim {

namespace {

// Ids dealt from a shuffled deck, which is shuffled anew when it is used up.
class Deck {
 public:
  Deck(std::uint16_t first, std::int64_t size) : cards_(static_cast<std::size_t>(size)) {
    std::iota(cards_.begin(), cards_.end(), first);
    next_ = cards_.size();
  }

  // The next id that is not `taken`. Requires: fewer taken than the deck has.
  std::uint16_t deal(std::span<const std::uint16_t> taken, RandomStream& random) {
    if (next_ == cards_.size()) {
      for (std::size_t i = next_; i > 1; --i) std::swap(cards_[i - 1], cards_[random.below(i)]);
      next_ = 0;
    }
    const auto is_free = [&](std::uint16_t id) {
      return std::ranges::find(taken, id) == taken.end();
    };
    const auto top = cards_.begin() + static_cast<std::ptrdiff_t>(next_);
    std::iter_swap(top, std::find_if(top, cards_.end(), is_free));
    return cards_[next_++];
  }

 private:
  std::vector<std::uint16_t> cards_;
  std::size_t next_ = 0;
};

}  // namespace

void fill_balanced(const RouterSpec& router, std::uint64_t seed, RoutingBank& bank) {
  const bool limited = router.num_groups > 1 && bank.top_k % router.top_groups == 0;
  const std::int64_t groups = limited ? router.num_groups : 1;
  const std::int64_t kept = limited ? router.top_groups : 1;
  const std::int64_t size = bank.num_experts / groups;
  std::vector<std::uint16_t> chosen(static_cast<std::size_t>(kept));
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    RandomStream random(seed, fmt::format("balanced/{}", layer));
    Deck deck_of_groups(0, groups);
    std::vector<Deck> experts;
    for (std::int64_t g = 0; g < groups; ++g) {
      experts.emplace_back(static_cast<std::uint16_t>(g * size), size);
    }
    const std::span<std::uint16_t> ids = bank.layer_ids(layer);
    const auto top_k = static_cast<std::size_t>(bank.top_k);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::size_t nth = i % top_k, group = nth % chosen.size();
      const auto taken = ids.subspan(i - nth, nth);
      if (nth < chosen.size()) {
        chosen[group] = deck_of_groups.deal(std::span(chosen).first(group), random);
      }
      ids[i] = experts[chosen[group]].deal(taken, random);
    }
  }
  bank.origin = RoutingOrigin::kBaseline;
  bank.provenance = "baseline: every expert equally often, dealt at random";
}

// Each token takes the head of a shuffle.
void fill_uniform(std::uint64_t seed, RoutingBank& bank) {
  std::vector<std::uint16_t> experts(static_cast<std::size_t>(bank.num_experts));
  std::iota(experts.begin(), experts.end(), std::uint16_t{0});
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    RandomStream random(seed, fmt::format("uniform/{}", layer));
    const std::span<std::uint16_t> ids = bank.layer_ids(layer);
    const auto top_k = static_cast<std::size_t>(bank.top_k);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::size_t j = i % top_k;
      std::swap(experts[j], experts[j + random.below(experts.size() - j)]);
      ids[i] = experts[j];
    }
  }
  bank.origin = RoutingOrigin::kBaseline;
  bank.provenance = "baseline: distinct experts uniformly at random";
}

// The order of successive draws without replacement is that of a race, ln(u_i) / weight_i, largest
// first (Efraimidis and Spirakis 2006).
void fill_power_law(double alpha, std::uint64_t seed, RoutingBank& bank) {
  const auto num_experts = static_cast<std::size_t>(bank.num_experts);
  std::vector<double> inverse_weight(num_experts);
  for (std::size_t i = 0; i < num_experts; ++i) {
    inverse_weight[i] = std::pow(static_cast<double>(i) + 1, alpha);
  }
  KeySelection selection(bank.num_experts);
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    RandomStream random(seed, fmt::format("power law/{}", layer));
    for (std::size_t i = num_experts; i > 1; --i) {
      std::swap(inverse_weight[i - 1], inverse_weight[random.below(i)]);
    }
    const std::span<std::uint16_t> ids = bank.layer_ids(layer);
    const auto top_k = static_cast<std::size_t>(bank.top_k);
    for (std::size_t begin = 0; begin < ids.size(); begin += top_k) {
      for (std::size_t e = 0; e < num_experts; ++e) {
        const double arrival = std::log(1 - random.uniform()) * inverse_weight[e];
        selection.keys()[e] = order_key(static_cast<float>(arrival));
      }
      selection.select(ids.subspan(begin, top_k));
    }
  }
  bank.origin = RoutingOrigin::kBaseline;
  bank.provenance =
      fmt::format("baseline: independent tokens, expert popularity ~ rank^-{}", alpha);
}

}  // namespace moesim
