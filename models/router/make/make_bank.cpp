#include "models/router/make/make_bank.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "models/router/make/baseline_bank.h"
#include "models/router/make/generated_bank.h"
#include "models/router/make/recorded_routing.h"
#include "models/router/tokens/calibration.h"
#include "models/router/tokens/text_loads.h"

namespace moesim {

namespace {

// The loads of a gate trained in miniature by the recipe; locality as calibrated.
TextLoads trained_loads(const MoeSpec& moe, const TokenSource& source, std::uint64_t seed,
                        RoutingBank& bank) {
  const TrainingRun run = train_gate(moe, source.training, seed);
  bank.training = run.history;
  const std::string description = fmt::format(
      "loads of a gate trained in miniature for {} steps (final max/mean {:.2f}, {} dead experts) "
      "instead of published ones",
      source.training.steps, run.final.max_over_mean, run.final.dead_experts);
  return {"trained", description, {{0.5, run.load_over_mean, {}}}, 0};
}

Generation generation_of(const ModelSpec& model, const RoutingCalibration& calibration,
                         std::uint64_t seed, std::int64_t num_threads) {
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  return {model, calibration, seed,
          num_threads > 0 ? num_threads : std::max<std::int64_t>(1, cores)};
}

void fill_routed(const ModelSpec& model, const TokenSource& source, std::uint64_t seed,
                 std::int64_t num_threads, RoutingBank& bank) {
  const RoutingCalibration calibration = routing_calibration(model);
  const Generation generation = generation_of(model, calibration, seed, num_threads);
  if (!source.gate.empty()) return route_through_real_gates(generation, source.gate, bank);
  const TextLoads loads = source.policy == TokenPolicy::kTrained
                              ? trained_loads(model.moe(), source, seed, bank)
                              : text_loads(calibration, source.domain);
  const GeneratedBank alone{model, loads, bank};
  route_generated(generation, {&alone, 1});
}

RoutingBank empty_bank(const ModelSpec& model, const TokenSource& source) {
  RoutingBank bank;
  bank.num_layers = model.num_moe_layers();
  bank.num_experts = model.moe().num_experts;
  bank.top_k = model.moe().top_k;
  bank.sequences = source.sequences;
  bank.sequence_tokens = source.sequence_tokens;
  bank.ids.resize(static_cast<std::size_t>(bank.num_layers * bank.num_tokens() * bank.top_k));
  return bank;
}

}  // namespace

RoutingBank make_routing_bank(const ModelSpec& model, const TokenSource& source, std::uint64_t seed,
                              std::int64_t num_threads) {
  RoutingBank bank = empty_bank(model, source);
  switch (source.policy) {
    case TokenPolicy::kCalibrated:
    case TokenPolicy::kTrained:
      fill_routed(model, source, seed, num_threads, bank);
      break;
    case TokenPolicy::kBalanced:
      fill_balanced(model.moe().router, seed, bank);
      break;
    case TokenPolicy::kUniform:
      fill_uniform(seed, bank);
      break;
    case TokenPolicy::kPowerLaw:
      fill_power_law(source.alpha, seed, bank);
      break;
    case TokenPolicy::kRecorded:
      return read_recorded_routing(source.trace, model, source.sequence_tokens, seed,
                                   source.sequences);
  }
  return bank;
}

bool can_share_work(const TokenSource& source) {
  return source.policy == TokenPolicy::kCalibrated && source.gate.empty();
}

std::vector<RoutingBank> make_routing_banks(std::span<const ModelSpec* const> models,
                                            const TokenSource& source, std::uint64_t seed,
                                            std::int64_t num_threads) {
  const RoutingCalibration calibration = routing_calibration(*models[0]);
  const TextLoads loads = text_loads(calibration, source.domain);
  std::vector<RoutingBank> banks;
  for (const ModelSpec* model : models) banks.push_back(empty_bank(*model, source));
  std::vector<GeneratedBank> all;
  for (std::size_t i = 0; i < banks.size(); ++i) all.push_back({*models[i], loads, banks[i]});
  route_generated(generation_of(*models[0], calibration, seed, num_threads), all);
  return banks;
}

}  // namespace moesim
