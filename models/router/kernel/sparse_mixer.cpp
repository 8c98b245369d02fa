#include "models/router/kernel/sparse_mixer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "models/router/kernel/lanes/lane_stages.h"
#include "models/router/kernel/token_stream.h"

namespace moesim {

namespace {

constexpr double kTaken = -std::numeric_limits<double>::infinity();

// The remaining logits of one token, and the weight of each beside the largest.
class Mixer {
 public:
  Mixer(std::span<const float> logits, double jitter) : jitter_(jitter), powers_(logits.size()) {
    for (const float z : logits) left_.push_back(limited_logit(z));
  }

  // Powers of the close logits relative to the largest, 0 for the others; returns their sum.
  double weigh() {
    const double largest = left_[first()];
    double sum = 0;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      const double scale = std::max(std::abs(left_[i]), largest);
      const bool close = left_[i] != kTaken && largest - left_[i] <= 2 * jitter_ * scale;
      powers_[i] = close ? std::exp(left_[i] - largest) : 0.0;
      sum += powers_[i];
    }
    return sum;
  }
  std::size_t first() const {
    return static_cast<std::size_t>(std::max_element(left_.begin(), left_.end()) - left_.begin());
  }
  // The expert at which the powers add up to `amount`.
  std::size_t at(double amount) const {
    std::size_t last = first();
    for (std::size_t i = 0; i < powers_.size(); ++i) {
      if (powers_[i] == 0) continue;
      last = i;
      amount -= powers_[i];
      if (amount < 0) break;
    }
    return last;
  }
  double power(std::size_t i) const { return powers_[i]; }
  void take(std::size_t i) { left_[i] = kTaken; }

 private:
  double jitter_;
  std::vector<double> left_;
  std::vector<double> powers_;
};

}  // namespace

void route_sparse_mixer(const MoeSpec& moe, std::span<const float> logits,
                        const RouteOptions& options, RoutedTokens routed) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  const auto top_k = static_cast<std::size_t>(moe.top_k);
  const bool training = options.phase == RoutingPhase::kTraining;
  for (std::size_t t = 0; t * top_k < routed.ids.size(); ++t) {
    RandomStream random = token_stream(options.seed, "sparse mixer",
                                       options.first_token + static_cast<std::int64_t>(t));
    Mixer mixer(logits.subspan(t * outputs, outputs), moe.router.mixer_jitter);
    for (std::size_t j = 0; j < top_k; ++j) {
      const double sum = mixer.weigh();
      const std::size_t pick = training ? mixer.at(random.uniform() * sum) : mixer.first();
      routed.ids[t * top_k + j] = static_cast<std::uint16_t>(pick);
      routed.weights[t * top_k + j] =
          static_cast<float>(moe.router.scaling * mixer.power(pick) / sum);
      mixer.take(pick);
    }
  }
}

}  // namespace moesim
