#include "scenarios/validate/rows/power_law.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moesim {
namespace {

std::vector<double> popularities(const SkewedLayer& layer, RandomStream& random) {
  const double tokens = static_cast<double>(layer.tokens);
  const bool many = layer.tokens * layer.top_k > layer.experts && 0.8 * tokens > 1;
  const double low = many ? 1 : 0.01, high = many ? 0.8 * tokens : 2;
  const double power = 1 - layer.exponent;
  const double a = std::pow(low, power), b = std::pow(high, power);
  std::vector<double> share(static_cast<std::size_t>(layer.experts));
  for (double& x : share) x = std::pow(a + (b - a) * random.uniform(), 1 / power);
  return share;
}

// Pairs of each expert; they add up to tokens * top_k as long as that many fit.
std::vector<std::int64_t> counts_of(const SkewedLayer& layer, const std::vector<double>& share) {
  const double sum = std::accumulate(share.begin(), share.end(), 0.0);
  const double pairs = static_cast<double>(layer.tokens * layer.top_k);
  std::vector<std::int64_t> counts(share.size());
  for (std::size_t e = 0; e < share.size(); ++e) {
    counts[e] = std::min<std::int64_t>(layer.tokens, std::llround(share[e] / sum * pairs));
  }
  std::vector<std::size_t> order(share.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t x, std::size_t y) { return share[x] > share[y]; });
  std::int64_t missing = std::min(layer.tokens * layer.top_k, layer.tokens * layer.experts) -
                         std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const std::size_t n = order.size();
  for (std::size_t i = 0; missing != 0; i = (i + 1) % n) {
    std::int64_t& count = counts[missing > 0 ? order[i] : order[n - 1 - i]];
    if (missing > 0 && count < layer.tokens) ++count, --missing;
    if (missing < 0 && count > 0) --count, ++missing;
  }
  return counts;
}

}  // namespace

ExpertLoad fullest_rank(const SkewedLayer& layer, RandomStream& random) {
  const std::vector<std::int64_t> counts = counts_of(layer, popularities(layer, random));
  const std::int64_t groups = std::min(layer.groups, layer.experts);
  ExpertLoad fullest;
  for (std::int64_t g = 0; g < groups; ++g) {
    const auto begin = counts.begin() + g * layer.experts / groups;
    const auto end = counts.begin() + (g + 1) * layer.experts / groups;
    const std::int64_t pairs = std::accumulate(begin, end, std::int64_t{0});
    const auto hit = std::count_if(begin, end, [](std::int64_t c) { return c > 0; });
    if (pairs > fullest.pairs) fullest = {pairs, hit};
  }
  return fullest;
}

}  // namespace moesim
