#include "sim/deployment/request_fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quantity.h"

namespace moesim {
namespace {

std::int64_t total_tokens(const Request& request) {
  return request.input_tokens + request.output_tokens;
}

// A prompt that ends with its first token never reaches a decode replica.
std::int64_t tokens_in(const Deployment& pool, const Request& request) {
  if (pool.role == PoolRole::kDecode && request.output_tokens <= 1) return 0;
  return kv_tokens(request, pool.role == PoolRole::kPrefill);
}

std::string context_fault(const ModelSpec& model, const Request& shortest) {
  return fmt::format(
      "even the shortest request, {} input and {} output tokens, exceeds the {} tokens of the "
      "model's context",
      thousands(shortest.input_tokens), thousands(shortest.output_tokens),
      thousands(model.max_positions));
}

std::string cache_fault(const Deployment& pool, const MemoryLedger& ledger,
                        const Request& shortest) {
  const std::int64_t capacity = ledger.kv_capacity_tokens;
  const std::string request =
      shortest.input_tokens > capacity
          ? fmt::format("one prompt of {} tokens", thousands(shortest.input_tokens))
          : fmt::format("one request of {} input and {} output tokens",
                        thousands(shortest.input_tokens), thousands(shortest.output_tokens));
  const bool has_ranks = pool.plan.attention_dp * pool.plan.replicas > 1;
  return fmt::format("{} does not fit the KV cache of {} tokens{}{}{}", request,
                     thousands(capacity), ledger.block.states > 0 ? " beside its states" : "",
                     pool.role == PoolRole::kPrefill  ? " of the prefill pool"
                     : pool.role == PoolRole::kDecode ? " of the decode pool"
                                                      : "",
                     has_ranks ? " of one attention-DP rank" : "");
}

}  // namespace

bool exceeds_context(const ModelSpec& model, const Request& request) {
  return model.max_positions > 0 && total_tokens(request) > model.max_positions;
}

std::int64_t kv_tokens(const Request& request, bool hands_over) {
  return request.input_tokens + (hands_over ? 1 : request.output_tokens);
}

std::optional<RequestFault> request_fault(const std::vector<Deployment>& pools,
                                          const std::vector<MemoryLedger>& ledgers,
                                          const std::vector<Request>& requests) {
  const ModelSpec& model = pools.front().model;
  const auto too_small = [&](const Request& request) {
    std::size_t p = 0;
    while (p < pools.size() && ledgers[p].holds(tokens_in(pools[p], request))) ++p;
    return p;
  };
  const auto can_serve = [&](const Request& request) {
    return !exceeds_context(model, request) && too_small(request) == pools.size();
  };
  if (std::ranges::any_of(requests, can_serve)) return std::nullopt;
  const Request& shortest = *std::ranges::min_element(requests, {}, total_tokens);
  if (exceeds_context(model, shortest)) return RequestFault{context_fault(model, shortest)};
  const std::size_t p = too_small(shortest);
  return RequestFault{cache_fault(pools[p], ledgers[p], shortest), p,
                      tokens_in(pools[p], shortest)};
}

}  // namespace moesim
