// Small routers and batches for tests of the router kernel.
#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "models/router/kernel/router_kernel.h"

namespace moesim::made {

using Ids = std::vector<std::uint16_t>;
using Floats = std::vector<float>;

struct Routed {
  Ids ids;
  Floats weights;
};

inline MoeSpec moe_of(std::int64_t experts, std::int64_t top_k, RouterSpec router = {}) {
  MoeSpec moe;
  moe.num_experts = experts;
  moe.top_k = top_k;
  moe.router = router;
  return moe;
}

inline MoeSpec with_rule(std::int64_t experts, std::int64_t top_k, SelectionRule rule) {
  MoeSpec moe = moe_of(experts, top_k);
  moe.router.rule = rule;
  return moe;
}

inline Routed route(const MoeSpec& moe, const Floats& logits, const Floats& correction = {},
                    const RouteOptions& options = {}) {
  const std::size_t tokens = logits.size() / static_cast<std::size_t>(gate_outputs(moe));
  Routed out;
  out.ids.resize(tokens * static_cast<std::size_t>(moe.top_k));
  out.weights.resize(out.ids.size());
  route_logits(moe, logits, correction, {out.ids, out.weights}, options);
  return out;
}

inline Floats random_floats(std::size_t count, std::string_view name, double size = 3) {
  RandomStream random(1, name);
  Floats values(count);
  for (float& value : values) value = static_cast<float>(size * (2 * random.uniform() - 1));
  return values;
}

inline double sigmoid(double z) {
  return 1 / (1 + std::exp(-z));
}

// Pairs of each expert; kNoExpert is not counted.
inline std::vector<std::int64_t> loads(const Ids& ids, std::int64_t experts) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(experts), 0);
  for (const std::uint16_t id : ids) {
    if (id < experts) ++counts[id];
  }
  return counts;
}

}  // namespace moesim::made
