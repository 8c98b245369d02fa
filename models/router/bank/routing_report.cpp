#include "models/router/bank/routing_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "models/router/bank/load_statistics.h"

namespace moesim {

namespace {

// How often each pair of real experts a < b is chosen together in the tokens of one parity.
struct PairCounts {
  std::vector<double> together;  // [a * experts + b]
  std::vector<double> alone;     // [expert] tokens.
};

PairCounts pair_counts(const RoutingBank& bank, std::int64_t layer, std::int64_t parity) {
  const auto experts = static_cast<std::size_t>(bank.num_experts);
  PairCounts counts{std::vector<double>(experts * experts), std::vector<double>(experts)};
  // Halves by sequence, so that tokens that repeat their neighbour stay in one half.
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    if (t / bank.sequence_tokens % 2 != parity) continue;
    const auto ids = bank.token(layer, t);
    for (const std::uint16_t a : ids) {
      if (a >= experts) continue;
      counts.alone[a] += 1;
      for (const std::uint16_t b : ids) {
        if (a < b && b < experts) counts.together[a * experts + b] += 1;
      }
    }
  }
  return counts;
}

// First choices of a layer and of the next one, in the tokens of one parity.
struct FollowerCounts {
  std::vector<double> pairs;  // [expert * experts + follower]
  std::vector<double> from;   // [expert]
  std::vector<double> to;     // [follower]
  double tokens = 0;
};

FollowerCounts follower_counts(const RoutingBank& bank, std::int64_t layer, std::int64_t parity) {
  const auto experts = static_cast<std::size_t>(bank.num_experts);
  FollowerCounts counts{std::vector<double>(experts * experts), std::vector<double>(experts),
                        std::vector<double>(experts)};
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    const std::uint16_t now = bank.token(layer, t)[0];
    const std::uint16_t next = bank.token(layer + 1, t)[0];
    if (t / bank.sequence_tokens % 2 != parity || now >= experts || next >= experts) continue;
    counts.pairs[now * experts + next] += 1;
    counts.from[now] += 1;
    counts.to[next] += 1;
    counts.tokens += 1;
  }
  return counts;
}

}  // namespace

RepeatRates repeat_rates(const RoutingBank& bank, std::int64_t layer) {
  const auto is_there = [](std::uint16_t id) { return id != kNoExpert; };
  RepeatRates rates;
  std::int64_t pairs = 0;
  for (std::int64_t t = 1; t < bank.num_tokens(); ++t) {
    const auto before = bank.token(layer, t - 1);
    const auto now = bank.token(layer, t);
    const auto chosen = std::count_if(now.begin(), now.end(), is_there);
    if (t % bank.sequence_tokens == 0 || chosen == 0) continue;
    const auto common = std::count_if(now.begin(), now.end(), [&](std::uint16_t id) {
      return is_there(id) && std::find(before.begin(), before.end(), id) != before.end();
    });
    rates.first += is_there(now[0]) && before[0] == now[0] ? 1 : 0;
    rates.any += common > 0 ? 1 : 0;
    rates.overlap += static_cast<double>(common) / static_cast<double>(chosen);
    ++pairs;
  }
  if (pairs == 0) return rates;
  for (double* rate : {&rates.first, &rates.any, &rates.overlap}) {
    *rate /= static_cast<double>(pairs);
  }
  return rates;
}

// Independent choices of popularity q choose a and b together in proportion to q_a q_b; the factor
// is the same for all pairs and makes the totals agree.
double coactivation_gain(const RoutingBank& bank, std::int64_t layer) {
  const auto experts = static_cast<std::size_t>(bank.num_experts);
  if (experts < 4 || bank.top_k < 2 || bank.sequences < 2) return 1;
  const PairCounts chosen_by = pair_counts(bank, layer, 0);
  const PairCounts measured = pair_counts(bank, layer, 1);
  std::vector<std::size_t> pairs;
  for (std::size_t a = 0; a < experts; ++a) {
    for (std::size_t b = a + 1; b < experts; ++b) pairs.push_back(a * experts + b);
  }
  const auto expectation = [&](const PairCounts& counts, std::size_t pair) {
    return counts.alone[pair / experts] * counts.alone[pair % experts];
  };
  const auto lift = [&](std::size_t pair) {
    return chosen_by.together[pair] / (1 + expectation(chosen_by, pair));
  };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](std::size_t x, std::size_t y) { return lift(x) > lift(y); });
  double together = 0, expected = 0, all_together = 0, all_expected = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double product = expectation(measured, pairs[i]);
    all_together += measured.together[pairs[i]];
    all_expected += product;
    if (i >= pairs.size() / 10 + 1) continue;
    together += measured.together[pairs[i]];
    expected += product;
  }
  if (expected <= 0 || all_together <= 0) return 1;
  return together / all_together / (expected / all_expected);
}

double layer_affinity(const RoutingBank& bank, std::int64_t layer) {
  const auto experts = static_cast<std::size_t>(bank.num_experts);
  const FollowerCounts chosen_by = follower_counts(bank, layer, 0);
  const FollowerCounts measured = follower_counts(bank, layer, 1);
  double gain = 0;
  double tokens = 0;
  for (std::size_t e = 0; e < experts; ++e) {
    const double* row = chosen_by.pairs.data() + e * experts;
    const auto best = static_cast<std::size_t>(std::max_element(row, row + experts) - row);
    if (measured.from[e] <= 0 || measured.to[best] <= 0) continue;
    gain += measured.pairs[e * experts + best] * measured.tokens / measured.to[best];
    tokens += measured.from[e];
  }
  return tokens > 0 ? gain / tokens : 1;
}

std::string routing_report(const RoutingBank& bank) {
  const std::vector<std::vector<double>> counts = expert_counts(bank);
  std::string text = fmt::format(
      "{} tokens ({} sequences of {}), {} MoE layers, {} experts, top-{}\n"
      "layer  max/mean   gini     cv  entropy  unused  same first  any shared  overlap  "
      "co-activation\n",
      bank.num_tokens(), bank.sequences, bank.sequence_tokens, bank.num_layers, bank.num_experts,
      bank.top_k);
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    const LoadStatistics load = load_statistics(counts[static_cast<std::size_t>(layer)]);
    const RepeatRates repeats = repeat_rates(bank, layer);
    text += fmt::format(
        "{:5}  {:8.2f}  {:5.3f}  {:5.2f}  {:7.3f}  {:5.1f}%  {:9.1f}%  {:9.1f}%  {:7.3f}  "
        "{:13.2f}\n",
        layer, load.max_over_mean, load.gini, load.cv, load.entropy, 100 * load.unused_share,
        100 * repeats.first, 100 * repeats.any, repeats.overlap, coactivation_gain(bank, layer));
  }
  return text + bank.provenance + "\n";
}

}  // namespace moesim
