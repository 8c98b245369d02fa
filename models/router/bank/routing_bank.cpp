#include "models/router/bank/routing_bank.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <thread>

#include "base/random.h"
#include "models/router/kernel/router_kernel.h"
#include "models/router/kernel/selection.h"
#include "models/router/recorded/recorded_routing.h"
#include "models/router/tokens/calibration.h"
#include "models/router/tokens/gate.h"
#include "models/router/tokens/token_generator.h"

namespace moesim {

namespace {

// Tokens per gate product: enough that packing the gate matrix costs little, and always the same,
// so that the product is rounded alike whatever else runs.
constexpr std::int64_t kChunkTokens = 256;

void for_each_layer(std::int64_t num_layers, std::int64_t num_threads, const auto& work) {
  std::atomic<std::int64_t> next{0};
  const auto worker = [&] {
    for (std::int64_t layer = next++; layer < num_layers; layer = next++) work(layer);
  };
  std::vector<std::thread> threads;
  for (std::int64_t i = 1; i < std::min(num_threads, num_layers); ++i) threads.emplace_back(worker);
  worker();
  for (std::thread& thread : threads) thread.join();
}

std::span<std::uint16_t> layer_ids(RoutingBank& bank, std::int64_t layer) {
  const auto size = static_cast<std::size_t>(bank.num_tokens() * bank.top_k);
  return std::span(bank.ids).subspan(static_cast<std::size_t>(layer) * size, size);
}

// 0 for the first MoE layer, 1 for the last.
double relative_depth(const RoutingBank& bank, std::int64_t layer) {
  if (bank.num_layers == 1) return 0.5;
  return static_cast<double>(layer) / static_cast<double>(bank.num_layers - 1);
}

void route_layer(const MoeSpec& moe, const GateView& gate, const TokenGenerator& generator,
                 std::int64_t layer, RoutingBank& bank) {
  const std::int64_t chunk = std::max<std::int64_t>(1, kChunkTokens / bank.sequence_tokens);
  const double depth = relative_depth(bank, layer);
  std::vector<float> states(
      static_cast<std::size_t>(chunk * bank.sequence_tokens * generator.stride()));
  const std::span<std::uint16_t> ids = layer_ids(bank, layer);
  for (std::int64_t first = 0; first < bank.sequences; first += chunk) {
    const std::int64_t count = std::min(chunk, bank.sequences - first);
    const std::int64_t tokens = count * bank.sequence_tokens;
    generator.hidden_states(layer, depth, first, count, states.data());
    const auto begin = static_cast<std::size_t>(first * bank.sequence_tokens * bank.top_k);
    route_hidden(moe, gate, {states.data(), tokens, generator.hidden_size(), generator.stride()},
                 {ids.subspan(begin, static_cast<std::size_t>(tokens * bank.top_k)), {}});
  }
}

std::string scheme(const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  const char* const scores[] = {"softmax", "sigmoid", "sqrt-softplus"};
  const char* score = scores[static_cast<int>(router.score)];
  std::string text = router.order == SelectionOrder::kScoreThenTopK
                         ? fmt::format("{} then top-{} of {}", score, moe.top_k, gate_outputs(moe))
                         : fmt::format("top-{} of {} then {}", moe.top_k, gate_outputs(moe), score);
  if (router.correction_bias) text += " with correction bias";
  if (router.num_groups > 1) {
    text += fmt::format(" in {} of {} groups", router.top_groups, router.num_groups);
  }
  return text;
}

void fill_calibrated(const ModelSpec& model, std::uint64_t seed, std::int64_t num_threads,
                     RoutingBank& bank) {
  const MoeSpec& moe = model.moe();
  const RoutingCalibration calibration = routing_calibration(model);
  const TokenGenerator generator(calibration, model.hidden_size, bank.sequences,
                                 bank.sequence_tokens, seed);
  const GateBuilder gates(model.name, moe, calibration, generator, seed);
  for_each_layer(bank.num_layers, num_threads, [&](std::int64_t layer) {
    const Gate gate = gates.gate(layer, relative_depth(bank, layer));
    route_layer(moe, gate.view(), generator, layer, bank);
  });
  bank.provenance = fmt::format(
      "{}; generated hidden states of width {} through the gate kernel; statistics "
      "'{}' ({}): {}",
      scheme(moe), model.hidden_size, calibration.name, calibration.provenance, calibration.source);
}

void fill_balanced(RoutingBank& bank) {
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    std::int64_t next = 0;
    for (std::uint16_t& id : layer_ids(bank, layer)) {
      id = static_cast<std::uint16_t>(next++ % bank.num_experts);
    }
  }
}

// top_k distinct experts per token, drawn one after the other with weight (rank + 1)^-alpha; ranks
// are shuffled layer by layer. The order of successive draws without replacement is that of a race,
// ln(u_i) / weight_i, largest first (Efraimidis and Spirakis 2006).
void fill_power_law(RoutingBank& bank, double alpha, std::uint64_t seed) {
  const auto num_experts = static_cast<std::size_t>(bank.num_experts);
  std::vector<double> inverse_weight(num_experts);
  for (std::size_t i = 0; i < num_experts; ++i) {
    inverse_weight[i] = std::pow(static_cast<double>(i) + 1, alpha);
  }
  KeySelection selection(bank.num_experts);
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    RandomStream random(seed, fmt::format("power law/{}", layer));
    for (std::size_t i = num_experts; i > 1; --i) {
      std::swap(inverse_weight[i - 1], inverse_weight[random.below(i)]);
    }
    const std::span<std::uint16_t> ids = layer_ids(bank, layer);
    const auto top_k = static_cast<std::size_t>(bank.top_k);
    for (std::size_t begin = 0; begin < ids.size(); begin += top_k) {
      for (std::size_t e = 0; e < num_experts; ++e) {
        const double arrival = std::log(1 - random.uniform()) * inverse_weight[e];
        selection.keys()[e] = order_key(static_cast<float>(arrival));
      }
      selection.select(ids.subspan(begin, top_k));
    }
  }
}

// top_k distinct experts per token, all equally likely: the head of a shuffle.
void fill_uniform(RoutingBank& bank, std::uint64_t seed) {
  std::vector<std::uint16_t> experts(static_cast<std::size_t>(bank.num_experts));
  std::iota(experts.begin(), experts.end(), std::uint16_t{0});
  for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
    RandomStream random(seed, fmt::format("uniform/{}", layer));
    const std::span<std::uint16_t> ids = layer_ids(bank, layer);
    const auto top_k = static_cast<std::size_t>(bank.top_k);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::size_t j = i % top_k;
      std::swap(experts[j], experts[j + random.below(experts.size() - j)]);
      ids[i] = experts[j];
    }
  }
}

}  // namespace

RoutingBank make_routing_bank(const ModelSpec& model, const TokenSource& source, std::uint64_t seed,
                              std::int64_t num_threads) {
  const MoeSpec& moe = model.moe();
  RoutingBank bank;
  bank.num_layers = model.num_moe_layers();
  bank.num_experts = moe.num_experts;
  bank.top_k = moe.top_k;
  bank.sequences = source.sequences;
  bank.sequence_tokens = source.sequence_tokens;
  bank.ids.resize(static_cast<std::size_t>(bank.num_layers * bank.num_tokens() * bank.top_k));
  switch (source.policy) {
    case TokenPolicy::kCalibrated: {
      const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
      fill_calibrated(model, seed, num_threads > 0 ? num_threads : std::max<std::int64_t>(1, cores),
                      bank);
      break;
    }
    case TokenPolicy::kBalanced:
      fill_balanced(bank);
      bank.provenance = "baseline: every expert equally often, round-robin";
      break;
    case TokenPolicy::kUniform:
      fill_uniform(bank, seed);
      bank.provenance = "baseline: distinct experts uniformly at random";
      break;
    case TokenPolicy::kPowerLaw:
      fill_power_law(bank, source.alpha, seed);
      bank.provenance =
          fmt::format("baseline: independent tokens, expert popularity ~ rank^-{}", source.alpha);
      break;
    case TokenPolicy::kTrained:
      throw std::logic_error("trained routing");
    case TokenPolicy::kRecorded:
      return read_recorded_routing(source.trace, model, source.sequence_tokens, seed);
  }
  return bank;
}

std::vector<std::vector<double>> expert_counts(const RoutingBank& bank) {
  std::vector<std::vector<double>> counts(
      static_cast<std::size_t>(bank.num_layers),
      std::vector<double>(static_cast<std::size_t>(bank.num_experts), 0.0));
  const auto layer_size = static_cast<std::size_t>(bank.num_tokens() * bank.top_k);
  for (std::size_t i = 0; i < bank.ids.size(); ++i) {
    if (bank.ids[i] < bank.num_experts) counts[i / layer_size][bank.ids[i]] += 1;
  }
  return counts;
}

// With counts rising, x_1 <= ... <= x_n: Gini = sum_i (2 i - n - 1) x_i / (n sum x).
LoadStatistics load_statistics(std::span<const double> counts) {
  LoadStatistics statistics;
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (sum <= 0) {
    statistics.unused_share = counts.empty() ? 0.0 : 1.0;
    return statistics;
  }
  std::vector<double> rising(counts.begin(), counts.end());
  std::sort(rising.begin(), rising.end());
  const auto n = static_cast<double>(rising.size());
  double weighted = 0;
  for (std::size_t i = 0; i < rising.size(); ++i) {
    weighted += (2 * (static_cast<double>(i) + 1) - n - 1) * rising[i];
  }
  statistics.max_over_mean = rising.back() * n / sum;
  statistics.gini = weighted / (n * sum);
  statistics.unused_share = static_cast<double>(std::count(rising.begin(), rising.end(), 0.0)) / n;
  return statistics;
}

}  // namespace moesim
