#include "models/router/counts/count_sampler.h"

#include <numeric>
#include <utility>

namespace moesim {

CountSampler::CountSampler(std::span<const std::int64_t> counts, std::int64_t top_k)
    : total_(std::accumulate(counts.begin(), counts.end(), std::int64_t{0})) {
  for (std::size_t e = 0; e < counts.size(); ++e) {
    if (counts[e] > 0) shares_.push_back({top_k * counts[e], static_cast<std::uint16_t>(e)});
  }
}

void CountSampler::draw(RandomStream& random, std::span<std::uint16_t> out) {
  auto point = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(total_)));
  std::int64_t end = 0;
  std::size_t drawn = 0;
  // Shuffles only as far as the last point needs.
  for (std::size_t i = 0; drawn < out.size(); ++i) {
    std::swap(shares_[i], shares_[i + random.below(shares_.size() - i)]);
    end += shares_[i].length;
    if (point >= end) continue;
    out[drawn++] = shares_[i].expert;
    point += total_;
  }
}

}  // namespace moesim
