#include "models/router/kernel/random_second.h"

#include "models/router/kernel/token_stream.h"

namespace moesim {

void drop_second_experts(const RouteOptions& options, RoutedTokens routed) {
  for (std::size_t i = 0; i < routed.ids.size(); i += 2) {
    const float sum = routed.weights[i] + routed.weights[i + 1];
    const float share = routed.weights[i + 1] / sum;
    const std::int64_t token = options.first_token + static_cast<std::int64_t>(i / 2);
    if (token_stream(options.seed, "second expert", token).uniform() < 2 * share) continue;
    routed.ids[i + 1] = kNoExpert;
    routed.weights[i + 1] = 0;
  }
}

}  // namespace moesim
