#include "models/router/kernel/router_kernel.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "models/router/kernel/balanced_assignment.h"
#include "models/router/kernel/batch_balance.h"
#include "models/router/kernel/capacity.h"
#include "models/router/kernel/expert_choice.h"
#include "models/router/kernel/gate_noise.h"
#include "models/router/kernel/hash_routing.h"
#include "models/router/kernel/lanes/lane_stages.h"
#include "models/router/kernel/random_second.h"
#include "models/router/kernel/sparse_mixer.h"
#include "models/router/kernel/token_router.h"

namespace moesim {

namespace {

// Tokens per gate product: enough that packing the gate matrix costs little while the logits stay
// in cache, and always the same, so that the product is rounded alike for any number of threads.
constexpr std::int64_t kChunkTokens = 256;

struct Chunks {
  std::int64_t tokens;
  std::int64_t size;
  std::int64_t num_threads;
};

// Calls work(first, count) for consecutive chunks of tokens, on several threads. It may not throw.
void for_each_chunk(const Chunks& chunks, const auto& work) {
  const std::int64_t number = (chunks.tokens + chunks.size - 1) / chunks.size;
  std::atomic<std::int64_t> next{0};
  const auto worker = [&] {
    for (std::int64_t chunk = next++; chunk < number; chunk = next++) {
      const std::int64_t first = chunk * chunks.size;
      work(first, std::min(chunks.size, chunks.tokens - first));
    }
  };
  std::vector<std::thread> threads;
  for (std::int64_t i = 1; i < std::min(chunks.num_threads, number); ++i)
    threads.emplace_back(worker);
  worker();
  for (std::thread& thread : threads) thread.join();
}

// One share of the tokens per thread.
Chunks shares(std::int64_t tokens, std::int64_t num_threads) {
  const std::int64_t threads = std::max<std::int64_t>(1, num_threads);
  return {tokens, std::max(kChunkTokens, (tokens + threads - 1) / threads), threads};
}

template <class T>
std::span<T> rows_of(std::span<T> all, std::int64_t width, std::int64_t first, std::int64_t count) {
  if (all.empty()) return all;
  return all.subspan(static_cast<std::size_t>(first * width),
                     static_cast<std::size_t>(count * width));
}

bool balances_batch(SelectionRule rule, RoutingPhase phase) {
  return phase == RoutingPhase::kTraining &&
         (rule == SelectionRule::kBalancedAssignment || rule == SelectionRule::kSinkhorn ||
          rule == SelectionRule::kQuantile);
}

// Ids by the rule from the whole batch; weights follow from the ids.
void choose_balanced(const MoeSpec& moe, std::span<const float> logits,
                     std::span<std::uint16_t> ids) {
  if (moe.router.rule == SelectionRule::kSinkhorn) {
    return TokenRouter(moe, sinkhorn_correction(moe, logits)).rank(logits, ids);
  }
  if (moe.router.rule == SelectionRule::kQuantile) {
    return TokenRouter(moe, quantile_correction(moe, logits)).rank(logits, ids);
  }
  std::vector<float> finite;
  for (const float logit : logits) finite.push_back(limited_logit(logit));
  const std::vector<std::uint16_t> chosen =
      balanced_assignment(finite, gate_outputs(moe), assignment_epsilon(finite));
  std::copy(chosen.begin(), chosen.end(), ids.begin());
}

// Routes consecutive tokens that do not depend on one another.
void route_chunk(const MoeSpec& moe, std::span<const float> logits,
                 std::span<const float> correction, RoutedTokens out, const RouteOptions& options) {
  const bool needs_weights = moe.router.rule == SelectionRule::kRandomSecond ||
                             moe.router.rule == SelectionRule::kSparseMixer;
  std::vector<float> own(needs_weights && out.weights.empty() ? out.ids.size() : 0);
  if (!own.empty()) out.weights = own;
  TokenRouter router(moe, correction);
  switch (moe.router.rule) {
    case SelectionRule::kHash:
      hash_experts(moe, options, out.ids);
      if (!out.weights.empty()) router.weigh(logits, out.ids, out.weights);
      return;
    case SelectionRule::kSparseMixer:
      return route_sparse_mixer(moe, logits, options, out);
    case SelectionRule::kQuantile:  // Keys are the logits less the prices.
      router.rank(logits, out.ids);
      if (!out.weights.empty()) router.weigh(logits, out.ids, out.weights);
      return;
    default:
      router.route(logits, out.ids, out.weights);
  }
  if (moe.router.rule == SelectionRule::kRandomSecond) drop_second_experts(options, out);
}

RouteOptions part_of(const RouteOptions& options, std::int64_t first, std::int64_t count) {
  RouteOptions part = options;
  part.first_token += first;
  part.token_types = rows_of(options.token_types, 1, first, count);
  return part;
}

// Logits of hidden states [first, first + count) of a batch.
void fill_logits(const MoeSpec& moe, const GateView& gate, MatrixView hidden,
                 const RouteOptions& options, std::span<float> logits) {
  const bool training = options.phase == RoutingPhase::kTraining;
  std::vector<float> jittered;
  if (training && moe.router.jitter > 0) {
    jittered.resize(static_cast<std::size_t>(hidden.rows * hidden.columns));
    jitter_states(hidden, moe.router.jitter, options.seed, options.first_token, jittered);
    hidden = {jittered.data(), hidden.rows, hidden.columns, hidden.columns};
  }
  multiply_by_transpose(hidden, gate.weight, logits.data());
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  for (std::size_t i = 0; i < logits.size() && !gate.bias.empty(); i += outputs) {
    for (std::size_t e = 0; e < outputs; ++e) logits[i + e] += gate.bias[e];
  }
  if (!training || moe.router.rule != SelectionRule::kNoisyTopK) return;
  std::vector<float> scales(logits.size());
  multiply_by_transpose(hidden, gate.noise, scales.data());
  add_logit_noise(scales, gate_outputs(moe), options.seed, options.first_token, logits);
}

void check_noise(const MoeSpec& moe, const GateView& gate, RoutingPhase phase) {
  if (moe.router.rule != SelectionRule::kNoisyTopK || phase != RoutingPhase::kTraining) return;
  if (gate.noise.rows == gate_outputs(moe)) return;
  throw std::invalid_argument("noisy top-k: a noise matrix beside the gate expected for training");
}

MatrixView rows_of(MatrixView matrix, std::int64_t first, std::int64_t count) {
  return {matrix.data + first * matrix.stride, count, matrix.columns, matrix.stride};
}

void refuse_ragged(const MoeSpec& moe) {
  if (moe.router.rule != SelectionRule::kExpertChoice) return;
  throw std::invalid_argument(
      "expert choice: a whole batch at once expected, because tokens differ in their number of "
      "experts");
}

}  // namespace

MoeSpec with_implied_weights(MoeSpec moe) {
  RouterSpec& router = moe.router;
  switch (router.rule) {
    case SelectionRule::kRandomSecond:
      router.score = ScoreFunction::kSoftmax;
      router.order = SelectionOrder::kScoreThenTopK;
      router.renormalise = true;
      break;
    case SelectionRule::kNoisyTopK:
      router.score = ScoreFunction::kSoftmax;
      router.order = SelectionOrder::kTopKThenScore;
      break;
    case SelectionRule::kBalancedAssignment:
      router.score = ScoreFunction::kSigmoid;
      router.order = SelectionOrder::kTopKThenScore;
      break;
    case SelectionRule::kSinkhorn:
      router.score = moe.top_k == 1 ? ScoreFunction::kSigmoid : ScoreFunction::kSoftmax;
      router.order = SelectionOrder::kScoreThenTopK;
      break;
    case SelectionRule::kTopK:
    case SelectionRule::kHash:
    case SelectionRule::kSparseMixer:
    case SelectionRule::kExpertChoice:
    case SelectionRule::kQuantile:
      break;
  }
  return moe;
}

std::int64_t gate_outputs(const MoeSpec& moe) {
  return moe.num_experts + moe.router.num_zero_experts;
}

void score_logits(const MoeSpec& moe, std::span<const float> logits, std::span<float> scores) {
  TokenRouter(moe, {}).score(logits, scores);
}

void route_ranked(const MoeSpec& moe, std::span<const float> ranked,
                  std::span<const float> correction, std::span<std::uint16_t> ids) {
  TokenRouter(moe, correction).rank(ranked, ids);
}

void route_logits(const MoeSpec& given, std::span<const float> logits,
                  std::span<const float> correction, RoutedTokens out,
                  const RouteOptions& options) {
  check_router(given, options.phase);
  refuse_ragged(given);
  const MoeSpec moe = with_implied_weights(given);
  const std::int64_t tokens = static_cast<std::int64_t>(out.ids.size()) / moe.top_k;
  const std::int64_t outputs = gate_outputs(moe);
  const bool balances = balances_batch(moe.router.rule, options.phase);
  if (balances) choose_balanced(moe, logits, out.ids);
  if (moe.router.rule == SelectionRule::kHash) check_hash(moe, options, tokens);
  for_each_chunk(shares(tokens, options.num_threads), [&](std::int64_t first, std::int64_t count) {
    const std::span<const float> rows = rows_of(logits, outputs, first, count);
    const RoutedTokens part{rows_of(out.ids, moe.top_k, first, count),
                            rows_of(out.weights, moe.top_k, first, count)};
    if (!balances) {
      route_chunk(moe, rows, correction, part, part_of(options, first, count));
    } else if (!part.weights.empty()) {
      TokenRouter(moe, {}).weigh(rows, part.ids, part.weights);
    }
  });
}

void route_hidden(const MoeSpec& moe, const GateView& gate, MatrixView hidden, RoutedTokens out,
                  const RouteOptions& options) {
  check_router(moe, options.phase);
  refuse_ragged(moe);
  check_noise(moe, gate, options.phase);
  if (balances_batch(moe.router.rule, options.phase)) {
    return route_logits(moe, gate_logits(moe, gate, hidden, options), gate.correction, out,
                        options);
  }
  if (moe.router.rule == SelectionRule::kHash) check_hash(moe, options, hidden.rows);
  const Chunks chunks{hidden.rows, kChunkTokens, options.num_threads};
  for_each_chunk(chunks, [&](std::int64_t first, std::int64_t count) {
    std::vector<float> logits(static_cast<std::size_t>(count * gate_outputs(moe)));
    const RouteOptions part = part_of(options, first, count);
    fill_logits(moe, gate, rows_of(hidden, first, count), part, logits);
    route_chunk(
        with_implied_weights(moe), logits, gate.correction,
        {rows_of(out.ids, moe.top_k, first, count), rows_of(out.weights, moe.top_k, first, count)},
        part);
  });
}

std::vector<float> gate_logits(const MoeSpec& moe, const GateView& gate, MatrixView hidden,
                               const RouteOptions& options) {
  check_noise(moe, gate, options.phase);
  const std::int64_t outputs = gate_outputs(moe);
  std::vector<float> logits(static_cast<std::size_t>(hidden.rows * outputs));
  const Chunks chunks{hidden.rows, kChunkTokens, options.num_threads};
  for_each_chunk(chunks, [&](std::int64_t first, std::int64_t count) {
    fill_logits(moe, gate, rows_of(hidden, first, count), part_of(options, first, count),
                rows_of(std::span(logits), outputs, first, count));
  });
  return logits;
}

RoutedBatch route_batch(const MoeSpec& moe, std::span<const float> logits,
                        std::span<const float> correction, const RouteOptions& options) {
  check_router(moe, options.phase);
  const std::int64_t tokens = static_cast<std::int64_t>(logits.size()) / gate_outputs(moe);
  RoutedBatch batch;
  if (moe.router.rule == SelectionRule::kExpertChoice) {
    batch = choose_tokens(moe, logits);
  } else {
    batch.slots = moe.top_k;
    batch.ids.resize(static_cast<std::size_t>(tokens * moe.top_k));
    batch.weights.resize(batch.ids.size());
    route_logits(moe, logits, correction, {batch.ids, batch.weights}, options);
  }
  BatchLoad load = apply_capacity(moe, {batch.ids, batch.weights}, tokens, options.phase);
  batch.rows = std::move(load.rows);
  batch.dropped = load.dropped;
  return batch;
}

}  // namespace moesim
