#include "models/router/training/balance_loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace moesim {

namespace {

std::size_t size_of(std::int64_t count) {
  return static_cast<std::size_t>(count);
}

// Sums of s and a s over a row, in lanes that the compiler keeps in vector registers.
struct RowSums {
  double scores = 0;
  double priced = 0;
};
RowSums row_sums(std::span<const float> scores, std::span<const float> prices) {
  constexpr std::size_t kLanes = 8;
  std::array<float, kLanes> sum{};
  std::array<float, kLanes> priced{};
  const std::size_t whole = scores.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sum[lane] += scores[i + lane];
      priced[lane] += scores[i + lane] * prices[i + lane];
    }
  }
  RowSums total;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    total.scores += sum[lane];
    total.priced += priced[lane];
  }
  for (std::size_t i = whole; i < scores.size(); ++i) {
    total.scores += scores[i];
    total.priced += scores[i] * prices[i];
  }
  return total;
}

// gradient_j += factor s_j l_j (a_j - mean) over one row.
struct SharePull {
  float factor = 0;
  float mean = 0;
};
void add_share_gradient(ScoreFunction function, SharePull pull, std::span<const float> prices,
                        std::span<const float> scores, std::span<float> gradient) {
  switch (function) {
    case ScoreFunction::kSoftmax:
      for (std::size_t j = 0; j < scores.size(); ++j) {
        gradient[j] += pull.factor * scores[j] * (prices[j] - pull.mean);
      }
      return;
    case ScoreFunction::kSigmoid:
      for (std::size_t j = 0; j < scores.size(); ++j) {
        gradient[j] += pull.factor * scores[j] * (1 - scores[j]) * (prices[j] - pull.mean);
      }
      return;
    case ScoreFunction::kSqrtSoftplus:
    case ScoreFunction::kOne:
      for (std::size_t j = 0; j < scores.size(); ++j) {
        gradient[j] +=
            pull.factor * scores[j] * log_slope(function, scores[j]) * (prices[j] - pull.mean);
      }
      return;
  }
}

double normal_density(double u) {
  return std::exp(-0.5 * u * u) / std::sqrt(2 * std::numbers::pi);
}

double normal_share_below(double u) {
  return 0.5 * std::erfc(-u / std::numbers::sqrt2);
}

// The k-th largest logit of a token without expert i is the (k + 1)-th of all if i is among the top
// k, and the k-th of all if not.
struct Thresholds {
  std::size_t kth = 0;
  std::size_t next = 0;
};
Thresholds thresholds(std::span<const float> noisy, std::span<const std::uint16_t> ids) {
  Thresholds result{ids.back(), noisy.size()};
  for (std::size_t i = 0; i < noisy.size(); ++i) {
    if (std::find(ids.begin(), ids.end(), i) != ids.end()) continue;
    if (result.next == noisy.size() || noisy[i] > noisy[result.next]) result.next = i;
  }
  return result;
}

// Calls visit(token, i, m, u) for every token and expert, with m and u of add_load_loss.
template <typename Visit>
void for_each_margin(const NoisyLogits& logits, const Visit& visit) {
  const std::size_t experts = size_of(logits.experts);
  const std::size_t top_k = size_of(logits.top_k);
  for (std::size_t t = 0; t * experts < logits.clean.size(); ++t) {
    const std::span<const std::uint16_t> ids = logits.ids.subspan(t * top_k, top_k);
    const std::span<const float> noisy = logits.noisy.subspan(t * experts, experts);
    const Thresholds limit = thresholds(noisy, ids);
    for (std::size_t i = 0; i < experts; ++i) {
      const bool chosen = std::find(ids.begin(), ids.end(), i) != ids.end();
      const std::size_t m = chosen ? limit.next : limit.kth;
      const double margin = double{logits.clean[t * experts + i]} - double{noisy[m]};
      visit(t, i, m, margin / double{logits.scale[t * experts + i]});
    }
  }
}

}  // namespace

float log_slope(ScoreFunction function, float score) {
  switch (function) {
    case ScoreFunction::kSoftmax:
      return 1;
    case ScoreFunction::kSigmoid:
      return 1 - score;
    case ScoreFunction::kSqrtSoftplus: {
      const float v = score * score;
      return v > 1e-6F ? -std::expm1(-v) / (2 * v) : 0.5F;
    }
    case ScoreFunction::kOne:
      return 0;
  }
  return 0;
}

RoutedCounts routed_counts(std::span<const std::uint16_t> ids, std::int64_t top_k,
                           std::int64_t experts) {
  RoutedCounts counts{static_cast<std::int64_t>(ids.size()) / top_k, top_k, {}, {}};
  counts.chosen.assign(size_of(experts), 0);
  counts.first_choices.assign(size_of(experts), 0);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == kNoExpert) continue;
    counts.chosen[ids[i]] += 1;
    if (i % size_of(top_k) == 0) counts.first_choices[ids[i]] += 1;
  }
  return counts;
}

std::vector<double> device_tokens(std::span<const std::uint16_t> ids, std::int64_t top_k,
                                  std::int64_t experts, std::int64_t experts_per_device) {
  std::vector<double> sent(size_of(experts / experts_per_device), 0);
  std::vector<std::size_t> last_token(sent.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == kNoExpert) continue;
    const std::size_t device = ids[i] / size_of(experts_per_device);
    const std::size_t token = i / size_of(top_k);
    if (last_token[device] != token) sent[device] += 1;
    last_token[device] = token;
  }
  return sent;
}

Prices switch_prices(const RoutedCounts& counts, double weight) {
  Prices prices = counts.chosen;
  const double slots = static_cast<double>(counts.top_k * counts.tokens);
  for (double& price : prices) price *= weight * static_cast<double>(prices.size()) / slots;
  return prices;
}

Prices gshard_prices(const RoutedCounts& counts, double weight) {
  Prices prices = counts.first_choices;
  const double scale = static_cast<double>(prices.size()) * static_cast<double>(counts.tokens);
  for (double& price : prices) price *= weight / scale;
  return prices;
}

Prices device_prices(const RoutedCounts& counts, std::int64_t devices, double weight) {
  Prices prices = switch_prices(counts, weight);
  const std::size_t size = prices.size() / size_of(devices);
  for (std::size_t first = 0; first < prices.size(); first += size) {
    const auto begin = prices.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(size);
    std::fill(begin, end, std::accumulate(begin, end, 0.0) / static_cast<double>(size));
  }
  return prices;
}

Prices communication_prices(std::span<const double> sent, const RoutedCounts& counts,
                            std::int64_t device_limit, double weight) {
  Prices prices(counts.chosen.size());
  const std::size_t size = prices.size() / sent.size();
  const double scale =
      static_cast<double>(sent.size()) / static_cast<double>(device_limit * counts.tokens);
  for (std::size_t i = 0; i < prices.size(); ++i) prices[i] = weight * scale * sent[i / size];
  return prices;
}

double add_share_loss(const GateScores& batch, std::span<const double> prices,
                      std::span<float> gradient) {
  const std::size_t experts = size_of(batch.experts);
  const double per_token = 1.0 / static_cast<double>(batch.tokens());
  const std::vector<float> price(prices.begin(), prices.end());
  double value = 0;
  for (std::size_t row = 0; row < batch.scores.size(); row += experts) {
    const std::span<const float> scores = batch.scores.subspan(row, experts);
    const RowSums sums = row_sums(scores, price);
    const double mean = sums.priced / std::max(sums.scores, 1e-20);
    value += mean * per_token;
    add_share_gradient(
        batch.function,
        {static_cast<float>(per_token / std::max(sums.scores, 1e-20)), static_cast<float>(mean)},
        price, scores, gradient.subspan(row, experts));
  }
  return value;
}

double add_sequence_loss(const GateScores& batch, const SequenceChoices& choices, double weight,
                         std::span<float> gradient) {
  const std::int64_t tokens = batch.tokens();
  const std::int64_t length = choices.sequence_tokens;
  const std::int64_t sequences = (tokens + length - 1) / length;
  double value = 0;
  for (std::int64_t first = 0; first < tokens; first += length) {
    const std::int64_t count = std::min(length, tokens - first);
    const std::size_t begin = size_of(first * batch.experts);
    const std::size_t size = size_of(count * batch.experts);
    const RoutedCounts counts = routed_counts(
        choices.ids.subspan(size_of(first * choices.top_k), size_of(count * choices.top_k)),
        choices.top_k, batch.experts);
    value += add_share_loss({batch.function, batch.experts, batch.scores.subspan(begin, size)},
                            switch_prices(counts, weight / static_cast<double>(sequences)),
                            gradient.subspan(begin, size));
  }
  return value;
}

double add_z_loss(std::span<const float> logits, const GateScores& shares, double weight,
                  std::span<float> gradient) {
  const std::size_t experts = size_of(shares.experts);
  const double per_token = weight / static_cast<double>(shares.tokens());
  double value = 0;
  for (std::size_t row = 0; row < logits.size(); row += experts) {
    const std::span<const float> z = logits.subspan(row, experts);
    const std::span<const float> p = shares.scores.subspan(row, experts);
    const auto largest = static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin());
    // ln p_j = z_j - lse, best known where p_j is largest.
    const double lse = double{z[largest]} - std::log(double{p[largest]});
    value += per_token * lse * lse;
    const auto pull = static_cast<float>(2 * per_token * lse);
    for (std::size_t j = 0; j < experts; ++j) gradient[row + j] += pull * p[j];
  }
  return value;
}

double squared_variation(std::span<const double> loads, double weight, std::span<double> slope) {
  const double sum = std::accumulate(loads.begin(), loads.end(), 0.0);
  const double experts = static_cast<double>(loads.size());
  constexpr double kNothing = 1e-12;  // Below it shares of the sum mean nothing.
  if (sum < kNothing) {
    std::fill(slope.begin(), slope.end(), 0.0);
    return 0;
  }
  double squares = 0;
  for (const double load : loads) squares += (load / sum) * (load / sum);
  for (std::size_t i = 0; i < loads.size(); ++i) {
    slope[i] = weight * 2 * experts / sum * (loads[i] / sum - squares);
  }
  return weight * (experts * squares - 1);
}

double add_importance_loss(const ChosenWeights& chosen, std::int64_t experts, double weight,
                           std::span<float> weight_gradient) {
  std::vector<double> importance(size_of(experts), 0);
  for (std::size_t i = 0; i < chosen.ids.size(); ++i) {
    importance[chosen.ids[i]] += double{chosen.weights[i]};
  }
  std::vector<double> slope(importance.size());
  const double value = squared_variation(importance, weight, slope);
  for (std::size_t i = 0; i < chosen.ids.size(); ++i) {
    weight_gradient[i] += static_cast<float>(slope[chosen.ids[i]]);
  }
  return value;
}

double add_load_loss(const NoisyLogits& logits, double weight, const NoisyGradient& gradient) {
  const std::size_t experts = size_of(logits.experts);
  std::vector<double> load(experts, 0);
  for_each_margin(logits, [&](std::size_t, std::size_t i, std::size_t, double u) {
    load[i] += normal_share_below(u);
  });
  std::vector<double> slope(experts);
  const double value = squared_variation(load, weight, slope);
  for_each_margin(logits, [&](std::size_t t, std::size_t i, std::size_t m, double u) {
    const std::size_t own = t * experts + i;
    const std::size_t limit = t * experts + m;
    const double pull = slope[i] * normal_density(u) / double{logits.scale[own]};
    gradient.clean[own] += static_cast<float>(pull);
    gradient.scale[own] -= static_cast<float>(pull * u);
    gradient.clean[limit] -= static_cast<float>(pull);
    gradient.scale[limit] -= static_cast<float>(pull * double{logits.noise[limit]});
  });
  return value;
}

void update_correction(std::span<const double> counts, double target, double rate,
                       std::span<float> correction) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double sign = (target > counts[i] ? 1 : 0) - (target < counts[i] ? 1 : 0);
    correction[i] += static_cast<float>(rate * sign);
  }
}

}  // namespace moesim
