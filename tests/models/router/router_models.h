// Routers of published models without the rest of the model, so that banks are made in no time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/router/bank/load_statistics.h"
#include "models/router/bank/routing_bank.h"
#include "models/router/make/generated_bank.h"
#include "models/router/make/token_source.h"

namespace moesim::made {

inline ModelSpec router_model(const MoeSpec& moe, const std::string& architecture,
                              std::int64_t layers, std::int64_t hidden = 512) {
  ModelSpec model;
  model.name = "made";
  model.architecture = architecture;
  model.hidden_size = hidden;
  model.layers.resize(static_cast<std::size_t>(layers));
  for (LayerSpec& layer : model.layers) layer.moe = moe;
  return model;
}

// Softmax over all experts, not renormalised (OLMoE, DeepSeekMoE-16B).
inline MoeSpec softmax_router(std::int64_t experts, std::int64_t top_k) {
  MoeSpec moe;
  moe.num_experts = experts;
  moe.top_k = top_k;
  return moe;
}

// Sigmoid with a correction bias that is trained to balance (DeepSeek-V3, Nemotron).
inline MoeSpec biased_router(std::int64_t experts, std::int64_t top_k) {
  MoeSpec moe = softmax_router(experts, top_k);
  moe.router.score = ScoreFunction::kSigmoid;
  moe.router.correction_bias = true;
  return moe;
}

inline ModelSpec mixtral(std::int64_t layers, std::int64_t hidden = 512) {
  MoeSpec moe = softmax_router(8, 2);
  moe.router.order = SelectionOrder::kTopKThenScore;
  return router_model(moe, "MixtralForCausalLM", layers, hidden);
}

inline ModelSpec olmoe(std::int64_t layers, std::int64_t hidden = 512) {
  return router_model(softmax_router(64, 8), "OlmoeForCausalLM", layers, hidden);
}

inline TokenSource calibrated(std::int64_t sequences, const std::string& domain = "") {
  TokenSource source;
  source.sequences = sequences;
  source.domain = domain;
  return source;
}

// A bank of a calibration of the caller's own, in sequences of 32.
inline RoutingBank bank_of(const ModelSpec& model, const RoutingCalibration& calibration,
                           std::int64_t sequences, const std::string& domain = "",
                           std::uint64_t seed = 7) {
  RoutingBank bank;
  bank.num_layers = model.num_moe_layers();
  bank.num_experts = model.moe().num_experts;
  bank.top_k = model.moe().top_k;
  bank.sequences = sequences;
  bank.sequence_tokens = 32;
  bank.ids.resize(static_cast<std::size_t>(bank.num_layers * bank.num_tokens() * bank.top_k));
  const TextLoads loads = text_loads(calibration, domain);
  const GeneratedBank one{model, loads, bank};
  route_generated({model, calibration, seed, 2}, {&one, 1});
  return bank;
}

// [layer] of all choices.
inline std::vector<LoadStatistics> loads_of(const RoutingBank& bank) {
  std::vector<LoadStatistics> all;
  for (const auto& counts : expert_counts(bank)) all.push_back(load_statistics(counts));
  return all;
}

// Of first choices in one layer.
inline LoadStatistics first_loads_of(const RoutingBank& bank, std::int64_t layer) {
  std::vector<double> counts(static_cast<std::size_t>(bank.num_experts), 0.0);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) counts[bank.token(layer, t)[0]] += 1;
  return load_statistics(counts);
}

}  // namespace moesim::made
