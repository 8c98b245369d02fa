#include "models/router/tokens/text_loads.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <numeric>

namespace moesim {

namespace {

// Experts below this share of the mean load count as equally loaded: logarithms of next to nothing
// differ by chance.
constexpr double kLeastLoad = 0.1;
constexpr double kSameDepth = 1e-3;

// The part before the '/'.
std::string collection(const std::string& domain) {
  const auto slash = domain.find('/');
  return slash == std::string::npos ? "" : domain.substr(0, slash);
}

const LoadShape* shape_at(const TextDomain& domain, double depth) {
  for (const LoadShape& shape : domain.loads) {
    if (std::abs(shape.depth - depth) < kSameDepth) return &shape;
  }
  return nullptr;
}

// Depths at which any of the domains was counted, rising.
std::vector<double> depths_of(const std::vector<const TextDomain*>& domains) {
  std::vector<double> depths;
  for (const TextDomain* domain : domains) {
    for (const LoadShape& shape : domain->loads) depths.push_back(shape.depth);
  }
  std::sort(depths.begin(), depths.end());
  depths.erase(std::unique(depths.begin(), depths.end(),
                           [](double a, double b) { return b - a < kSameDepth; }),
               depths.end());
  return depths;
}

void normalise(std::vector<double>& loads) {
  const double sum = std::accumulate(loads.begin(), loads.end(), 0.0);
  for (double& load : loads) load *= static_cast<double>(loads.size()) / sum;
}

// Mean load of every expert over the domains that were counted at this depth, and its mean share of
// first choices where those were.
LoadShape mean_shape(const std::vector<const TextDomain*>& domains, double depth) {
  LoadShape mean{depth, {}, {}};
  std::vector<double> first_share;
  for (const TextDomain* domain : domains) {
    const LoadShape* shape = shape_at(*domain, depth);
    if (shape == nullptr) continue;
    mean.load_over_mean.resize(shape->load_over_mean.size(), 0.0);
    first_share.resize(shape->load_over_mean.size(), 0.0);
    for (std::size_t e = 0; e < mean.load_over_mean.size(); ++e) {
      const double load = shape->load_over_mean[e];
      mean.load_over_mean[e] += load;
      if (!shape->first_over_mean.empty()) {
        first_share[e] += shape->first_over_mean[e] / std::max(load, kLeastLoad);
      }
    }
  }
  normalise(mean.load_over_mean);
  if (std::any_of(first_share.begin(), first_share.end(), [](double x) { return x > 0; })) {
    for (std::size_t e = 0; e < first_share.size(); ++e) first_share[e] *= mean.load_over_mean[e];
    normalise(first_share);
    mean.first_over_mean = std::move(first_share);
  }
  return mean;
}

// Geometric mean over domains; adds squared deviations of ln load and their degrees of freedom,
// both weighted with that mean, because it is the busy experts whose loads matter.
LoadShape typical_shape(const std::vector<const TextDomain*>& domains, double depth,
                        double& squares, double& freedom) {
  LoadShape typical{depth, {}, {}};
  std::vector<double> sum, sum_squares;
  double count = 0;
  for (const TextDomain* domain : domains) {
    const LoadShape* shape = shape_at(*domain, depth);
    if (shape == nullptr) continue;
    ++count;
    sum.resize(shape->load_over_mean.size(), 0.0);
    sum_squares.resize(sum.size(), 0.0);
    for (std::size_t e = 0; e < sum.size(); ++e) {
      const double log = std::log(std::max(shape->load_over_mean[e], kLeastLoad));
      sum[e] += log;
      sum_squares[e] += log * log;
    }
  }
  for (std::size_t e = 0; e < sum.size(); ++e) {
    const double mean = std::exp(sum[e] / count);
    typical.load_over_mean.push_back(mean);
    squares += mean * (sum_squares[e] - sum[e] * sum[e] / count);
    freedom += mean * (count - 1);
  }
  normalise(typical.load_over_mean);
  return typical;
}

TextLoads unlisted_loads(const RoutingCalibration& family, const std::string& domain) {
  std::vector<const TextDomain*> like;
  for (const TextDomain& listed : family.domains) {
    if (collection(listed.name) == collection(domain)) like.push_back(&listed);
  }
  if (like.empty()) {
    for (const TextDomain& listed : family.domains) like.push_back(&listed);
  }
  TextLoads text{domain, "", {}, 0};
  double squares = 0;
  double freedom = 0;
  for (const double depth : depths_of(like)) {
    text.shapes.push_back(typical_shape(like, depth, squares, freedom));
  }
  if (like.empty()) text.shapes = family.loads;
  if (text.shapes.empty()) text.shapes = {lognormal_loads(0)};
  text.spread = freedom > 0 ? std::sqrt(squares / freedom) : family.domain_spread;
  text.description = fmt::format("no counts of '{}': typical loads times exp({:.2f} N) per expert",
                                 domain, text.spread);
  return text;
}

// Values at the rank quantiles of `count` experts, linear between the midpoints of the given ones.
std::vector<double> at_quantiles(const std::vector<double>& values, std::int64_t count) {
  std::vector<double> sampled;
  const auto size = static_cast<double>(values.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const double quantile = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    const double place = std::clamp(quantile * size - 0.5, 0.0, size - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double part = place - static_cast<double>(below);
    sampled.push_back(values[below] * (1 - part) + values[above] * part);
  }
  return sampled;
}

// Both lists in falling order of the first one.
void sort_falling(ExpertTargets& targets) {
  std::vector<std::size_t> order(targets.load.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return targets.load[a] > targets.load[b]; });
  ExpertTargets sorted;
  for (const std::size_t e : order) {
    sorted.load.push_back(targets.load[e]);
    if (!targets.first.empty()) sorted.first.push_back(targets.first[e]);
  }
  targets = std::move(sorted);
}

ExpertTargets resampled(const LoadShape& shape, std::int64_t num_experts) {
  ExpertTargets targets{shape.load_over_mean, shape.first_over_mean};
  sort_falling(targets);
  targets.load = at_quantiles(targets.load, num_experts);
  normalise(targets.load);
  if (targets.first.empty()) return targets;
  targets.first = at_quantiles(targets.first, num_experts);
  normalise(targets.first);
  return targets;
}

void blend(std::vector<double>& low, const std::vector<double>& high, double part) {
  for (std::size_t i = 0; i < low.size(); ++i) low[i] = low[i] * (1 - part) + high[i] * part;
}

// Scales to mean 1 with no load above `most`: the excess of a full expert goes to the others.
void limit(std::vector<double>& falling, double most) {
  for (int round = 0; round < 8; ++round) {
    normalise(falling);
    if (falling.front() <= most) return;
    for (double& load : falling) load = std::min(load, most);
  }
}

}  // namespace

TextLoads text_loads(const RoutingCalibration& family, const std::string& domain) {
  if (domain.empty() && (family.domains.empty() || !family.loads.empty())) {
    return {domain, "mixture of texts", family.loads, 0};
  }
  std::vector<const TextDomain*> all;
  for (const TextDomain& listed : family.domains) {
    if (listed.name == domain) {
      return {domain, fmt::format("counts of '{}'", domain), listed.loads, 0};
    }
    const auto& others = listed.stands_for;
    if (std::find(others.begin(), others.end(), domain) != others.end()) {
      return {domain, fmt::format("'{}' taken to be like '{}' (assumption)", domain, listed.name),
              listed.loads, 0};
    }
    all.push_back(&listed);
  }
  if (!domain.empty()) return unlisted_loads(family, domain);
  TextLoads mixture{domain, "mean of the counted texts", {}, 0};
  for (const double depth : depths_of(all)) mixture.shapes.push_back(mean_shape(all, depth));
  return mixture;
}

ExpertTargets expert_targets(const TextLoads& text, double depth, std::int64_t num_experts,
                             std::int64_t top_k, RandomStream& random) {
  std::size_t after = 0;
  while (after + 1 < text.shapes.size() && text.shapes[after].depth < depth - kSameDepth) ++after;
  const LoadShape& high = text.shapes[after];
  const LoadShape& low = text.shapes[after == 0 ? 0 : after - 1];
  const double gap = high.depth - low.depth;
  const double part = gap > 0 ? std::clamp((depth - low.depth) / gap, 0.0, 1.0) : 0.0;
  const bool only_high = 1 - part < kSameDepth / std::max(gap, kSameDepth);
  ExpertTargets targets = resampled(only_high ? high : low, num_experts);
  if (!only_high && part > 0) {
    const ExpertTargets other = resampled(high, num_experts);
    blend(targets.load, other.load, part);
    if (other.first.empty()) targets.first.clear();
    if (!targets.first.empty()) blend(targets.first, other.first, part);
  }
  // First choices are not carried on to depths where nobody counted.
  const bool beyond = depth < text.shapes.front().depth - kSameDepth ||
                      depth > text.shapes.back().depth + kSameDepth;
  if (beyond) targets.first.clear();
  if (text.spread > 0) {
    boost::random::normal_distribution<double> normal(0, text.spread);
    for (double& load : targets.load) load *= std::exp(normal(random));
    targets.first.clear();
    sort_falling(targets);
  }
  limit(targets.load, 0.98 * static_cast<double>(num_experts) / static_cast<double>(top_k));
  return targets;
}

LoadShape lognormal_loads(double gini) {
  constexpr int kExperts = 512;
  const double sigma = 2 * boost::math::erf_inv(gini);
  LoadShape shape{0.5, {}, {}};
  for (int i = 0; i < kExperts; ++i) {
    const double quantile = (i + 0.5) / kExperts;
    shape.load_over_mean.push_back(
        std::exp(sigma * std::sqrt(2.0) * boost::math::erf_inv(1 - 2 * quantile)));
  }
  normalise(shape.load_over_mean);
  return shape;
}

}  // namespace moesim
