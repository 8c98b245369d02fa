#include "models/router/bank/routing_bank.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "base/random.h"
#include "models/router/kernel/selection.h"
#include "models/router/make/generated_bank.h"
#include "models/router/recorded/recorded_routing.h"
#include "models/router/tokens/calibration.h"
#include "models/router/tokens/text_loads.h"

namespace moesim {

namespace {

std::span<std::uint16_t> layer_ids(RoutingBank& bank, std::int64_t layer) {
  const auto size = static_cast<std::size_t>(bank.num_tokens() * bank.top_k);
  return std::span(bank.ids).subspan(static_cast<std::size_t>(layer) * size, size);
}

// The loads of a gate trained in miniature by the recipe; locality as calibrated.
TextLoads trained_loads(const MoeSpec& moe, const TokenSource& source, std::uint64_t seed,
                        RoutingBank& bank) {
  const TrainingRun run = train_gate(moe, source.training, seed);
  bank.training = run.history;
  const std::string description = fmt::format(
      "loads of a gate trained in miniature for {} steps (final max/mean {:.2f}, {} dead experts) "
      "instead of published ones",
      source.training.steps, run.final.max_over_mean, run.final.dead_experts);
  return {"trained", description, {{0.5, run.load_over_mean, {}}}, 0};
}

Generation generation_of(const ModelSpec& model, const RoutingCalibration& calibration,
                         std::uint64_t seed, std::int64_t num_threads) {
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  return {model, calibration, seed,
          num_threads > 0 ? num_threads : std::max<std::int64_t>(1, cores)};
}

void fill_routed(const ModelSpec& model, const TokenSource& source, std::uint64_t seed,
                 std::int64_t num_threads, RoutingBank& bank) {
  const RoutingCalibration calibration = routing_calibration(model);
  const Generation generation = generation_of(model, calibration, seed, num_threads);
  if (!source.gate.empty()) return route_through_real_gates(generation, source.gate, bank);
  const TextLoads loads = source.policy == TokenPolicy::kTrained
                              ? trained_loads(model.moe(), source, seed, bank)
                              : text_loads(calibration, source.domain);
  const GeneratedBank one{model, loads, bank};
  route_generated(generation, {&one, 1});
}

RoutingBank empty_bank(const ModelSpec& model, const TokenSource& source) {
  RoutingBank bank;
  bank.num_layers = model.num_moe_layers();
  bank.num_experts = model.moe().num_experts;
  bank.top_k = model.moe().top_k;
  bank.sequences = source.sequences;
  bank.sequence_tokens = source.sequence_tokens;
  bank.ids.resize(static_cast<std::size_t>(bank.num_layers * bank.num_tokens() * bank.top_k));
  return bank;
}

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

// Every expert equally often, and within a token at random: experts that follow one another by
// number would all lie on one rank or each on another, depending on the placement, and what
// dispatch sends with them. A router that keeps top_groups of its groups keeps them here too, with
// as many experts in each.
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
    const std::span<std::uint16_t> ids = layer_ids(bank, layer);
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
}

// top_k distinct experts per token, drawn one after the other with weight (rank + 1)^-alpha; ranks
// are shuffled layer by layer. The order of successive draws without replacement is that of a race,
// ln(u_i) / weight_i, largest first (Efraimidis and Spirakis 2006).
void fill_power_law(RoutingBank& bank, double alpha, std::uint64_t seed) {
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
    const std::span<std::uint16_t> ids = layer_ids(bank, layer);
    const auto top_k = static_cast<std::size_t>(bank.top_k);
    for (std::size_t begin = 0; begin < ids.size(); begin += top_k) {
      for (std::size_t e = 0; e < num_experts; ++e) {
        const double arrival = std::log(1 - random.uniform()) * inverse_weight[e];
        selection.keys()[e] = order_key(static_cast<float>(arrival));
      }
      selection.select(ids.subspan(begin, top_k));
    }
  }
}

// top_k distinct experts per token, all equally likely: the head of a shuffle.
void fill_uniform(RoutingBank& bank, std::uint64_t seed) {
  std::vector<std::uint16_t> experts(static_cast<std::size_t>(bank.num_experts));
  std::iota(experts.begin(), experts.end(), std::uint16_t{0});
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    RandomStream random(seed, fmt::format("uniform/{}", layer));
    const std::span<std::uint16_t> ids = layer_ids(bank, layer);
    const auto top_k = static_cast<std::size_t>(bank.top_k);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::size_t j = i % top_k;
      std::swap(experts[j], experts[j + random.below(experts.size() - j)]);
      ids[i] = experts[j];
    }
  }
}

}  // namespace

RoutingBank make_routing_bank(const ModelSpec& model, const TokenSource& source, std::uint64_t seed,
                              std::int64_t num_threads) {
  const MoeSpec& moe = model.moe();
  RoutingBank bank = empty_bank(model, source);
  bank.origin = RoutingOrigin::kBaseline;
  switch (source.policy) {
    case TokenPolicy::kCalibrated:
    case TokenPolicy::kTrained:
      fill_routed(model, source, seed, num_threads, bank);
      break;
    case TokenPolicy::kBalanced:
      fill_balanced(moe.router, seed, bank);
      bank.provenance = "baseline: every expert equally often, dealt at random";
      break;
    case TokenPolicy::kUniform:
      fill_uniform(bank, seed);
      bank.provenance = "baseline: distinct experts uniformly at random";
      break;
    case TokenPolicy::kPowerLaw:
      fill_power_law(bank, source.alpha, seed);
      bank.provenance =
          fmt::format("baseline: independent tokens, expert popularity ~ rank^-{}", source.alpha);
      break;
    case TokenPolicy::kRecorded:
      return read_recorded_routing(source.trace, model, source.sequence_tokens, seed,
                                   source.sequences);
  }
  return bank;
}

bool can_share_work(const TokenSource& source) {
  return source.policy == TokenPolicy::kCalibrated && source.gate.empty();
}

std::vector<RoutingBank> make_routing_banks(std::span<const ModelSpec* const> models,
                                            const TokenSource& source, std::uint64_t seed,
                                            std::int64_t num_threads) {
  const RoutingCalibration calibration = routing_calibration(*models[0]);
  const TextLoads loads = text_loads(calibration, source.domain);
  std::vector<RoutingBank> banks;
  for (const ModelSpec* model : models) banks.push_back(empty_bank(*model, source));
  std::vector<GeneratedBank> all;
  for (std::size_t i = 0; i < banks.size(); ++i) all.push_back({*models[i], loads, banks[i]});
  route_generated(generation_of(*models[0], calibration, seed, num_threads), all);
  return banks;
}

std::vector<std::vector<double>> expert_counts(const RoutingBank& bank) {
  std::vector<std::vector<double>> counts;
  const std::int64_t layer_size = bank.num_tokens() * bank.top_k;
  for (auto id = bank.ids.begin(); id != bank.ids.end(); id += layer_size) {
    std::vector<std::int64_t> seen(std::numeric_limits<std::uint16_t>::max() + 1, 0);
    std::for_each(id, id + layer_size, [&](std::uint16_t expert) { ++seen[expert]; });
    counts.emplace_back(seen.begin(), seen.begin() + bank.num_experts);
  }
  return counts;
}

// With counts rising, x_1 <= ... <= x_n: Gini = sum_i (2 i - n - 1) x_i / (n sum x),
// CV^2 = n sum x^2 / (sum x)^2 - 1.
LoadStatistics load_statistics(std::span<const double> counts) {
  LoadStatistics statistics;
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (sum <= 0) {
    statistics.unused_share = counts.empty() ? 0.0 : 1.0;
    return statistics;
  }
  std::vector<double> rising(counts.begin(), counts.end());
  std::sort(rising.begin(), rising.end());
  const auto n = static_cast<double>(rising.size());
  double weighted = 0;
  double squares = 0;
  double nats = 0;
  for (std::size_t i = 0; i < rising.size(); ++i) {
    weighted += (2 * (static_cast<double>(i) + 1) - n - 1) * rising[i];
    const double share = rising[i] / sum;
    squares += share * share;
    if (share > 0) nats -= share * std::log(share);
  }
  statistics.max_over_mean = rising.back() * n / sum;
  statistics.gini = weighted / (n * sum);
  statistics.cv = std::sqrt(std::max(0.0, n * squares - 1));
  statistics.entropy = n > 1 ? nats / std::log(n) : 1.0;
  statistics.unused_share = static_cast<double>(std::count(rising.begin(), rising.end(), 0.0)) / n;
  return statistics;
}

}  // namespace moesim
