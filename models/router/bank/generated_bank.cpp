#include "models/router/bank/generated_bank.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "models/router/kernel/router_kernel.h"
#include "models/router/recorded/gate_weights.h"
#include "models/router/tokens/gate.h"
#include "models/router/tokens/token_generator.h"

namespace moesim {

namespace {

// Tokens per gate product: enough that packing the gate matrix costs little, and always the same,
// so that the product is rounded alike whatever else runs.
constexpr std::int64_t kChunkTokens = 256;

// The gate of a layer at a relative depth.
using GateSource = std::function<Gate(std::int64_t layer, double depth)>;

// 0 for the first MoE layer, 1 for the last.
double relative_depth(const RoutingBank& bank, std::int64_t layer) {
  if (bank.num_layers == 1) return 0.5;
  return static_cast<double>(layer) / static_cast<double>(bank.num_layers - 1);
}

void route_layer(const Generation& generation, const Gate& gate, const TokenGenerator& text,
                 std::int64_t layer, RoutingBank& bank) {
  const std::int64_t chunk = std::max<std::int64_t>(1, kChunkTokens / bank.sequence_tokens);
  const std::int64_t width = text.dimensions();
  std::vector<float> states(static_cast<std::size_t>(chunk * bank.sequence_tokens * width));
  std::vector<std::uint32_t> types;
  RouteOptions options;
  options.seed = text_hash(fmt::format("{}/route/{}", generation.seed, layer));
  const auto layer_ids = static_cast<std::size_t>(layer * bank.num_tokens() * bank.top_k);
  for (std::int64_t first = 0; first < bank.sequences; first += chunk) {
    const std::int64_t count = std::min(chunk, bank.sequences - first);
    const std::int64_t tokens = count * bank.sequence_tokens;
    options.first_token = first * bank.sequence_tokens;
    text.hidden_states(layer, relative_depth(bank, layer), first, count, states.data());
    types.clear();
    for (std::int64_t t = 0; t < tokens; ++t) {
      types.push_back(text.labels()[static_cast<std::size_t>(options.first_token + t)].type);
    }
    options.token_types = types;
    const auto begin = layer_ids + static_cast<std::size_t>(options.first_token * bank.top_k);
    const auto ids =
        std::span(bank.ids).subspan(begin, static_cast<std::size_t>(tokens * bank.top_k));
    route_hidden(generation.model.moe(), gate.view(), {states.data(), tokens, width, width},
                 {ids, {}}, options);
  }
}

// Layers are independent: each thread takes the next one.
void route_layers(const Generation& generation, const TokenGenerator& text, const GateSource& gate,
                  RoutingBank& bank) {
  check_router(generation.model.moe(), RouteOptions{}.phase);  // Here, not in a thread.
  std::atomic<std::int64_t> next{0};
  const auto worker = [&] {
    for (std::int64_t layer = next++; layer < bank.num_layers; layer = next++) {
      route_layer(generation, gate(layer, relative_depth(bank, layer)), text, layer, bank);
    }
  };
  std::vector<std::thread> threads;
  const std::int64_t wanted = std::min(generation.num_threads, bank.num_layers);
  for (std::int64_t i = 1; i < wanted; ++i) threads.emplace_back(worker);
  worker();
  for (std::thread& thread : threads) thread.join();
}

std::string scheme(const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  const char* const scores[] = {"softmax", "sigmoid", "sqrt-softplus", "one"};
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

std::string states_text(const Generation& generation, const TokenGenerator& text) {
  return fmt::format("{}; generated hidden states of width {} ({} effective dimensions)",
                     scheme(generation.model.moe()), generation.model.hidden_size,
                     std::min(generation.model.hidden_size, text.dimensions()));
}

}  // namespace

void route_generated(const Generation& generation, const TextLoads& loads, RoutingBank& bank) {
  const RoutingCalibration& calibration = generation.calibration;
  const TokenGenerator text(calibration, generation.model.hidden_size,
                            {bank.sequences, bank.sequence_tokens}, generation.seed);
  const GateBuilder gates(generation.model, calibration, loads, bank.sequence_tokens,
                          generation.seed);
  route_layers(
      generation, text, [&](std::int64_t layer, double depth) { return gates.gate(layer, depth); },
      bank);
  bank.origin = RoutingOrigin::kGenerated;
  bank.provenance =
      fmt::format("{} through generated gates and the gate kernel; statistics '{}' ({}), {}: {}",
                  states_text(generation, text), calibration.name, calibration.provenance,
                  loads.description, calibration.source);
}

void route_through_real_gates(const Generation& generation, const std::string& path,
                              RoutingBank& bank) {
  RoutingCalibration calibration = generation.calibration;
  calibration.mean_share = 0;
  const std::vector<Gate> gates = read_gate_weights(path, generation.model);
  const TokenGenerator text(calibration, generation.model.hidden_size,
                            {bank.sequences, bank.sequence_tokens}, generation.seed);
  route_layers(
      generation, text,
      [&](std::int64_t layer, double) {
        const Gate& real = gates[static_cast<std::size_t>(layer)];
        return Gate{text.dimensions(), text.project(real.view().weight), real.bias,
                    real.correction};
      },
      bank);
  bank.origin = RoutingOrigin::kGenerated;
  bank.provenance = fmt::format(
      "{} through the real gates of {} and the gate kernel; no load is fitted: locality '{}' ({})",
      states_text(generation, text), path, calibration.name, calibration.provenance);
}

}  // namespace moesim
