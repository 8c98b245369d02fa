// Tokens routed once by the router kernel and drawn from ever after: expert ids for every MoE layer
// of every token of a set of sequences.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/router/training/gate_training.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Where the tokens' routing comes from.
enum class TokenPolicy {
  kCalibrated,  // Generated hidden states through the real gate kernel.
  kBalanced,    // Baseline: every expert equally often, dealt at random.
  kUniform,     // Baseline: top_k distinct experts uniformly at random.
  kPowerLaw,    // Baseline: expert popularity ~ rank^-alpha, independent tokens.
  kTrained,     // Like kCalibrated, with the loads of a gate trained by `training`.
  kRecorded,    // Ids or counts that a real engine recorded, from `trace`.
};

struct TokenSource {
  TokenPolicy policy = TokenPolicy::kCalibrated;
  double alpha = 1.0;                 // kPowerLaw.
  std::int64_t sequences = 128;       // Bank size: sequences ...
  std::int64_t sequence_tokens = 32;  // ... of this many consecutive tokens.
  std::string domain;                 // kCalibrated: kind of text; empty = the family's mixture.
  std::string gate;         // kCalibrated: .safetensors with the real gates; empty = none.
  std::string trace;        // kRecorded: file.
  TrainingRecipe training;  // kTrained.

  bool operator==(const TokenSource&) const = default;
};

// What stands behind a bank's ids.
enum class RoutingOrigin {
  kGenerated,        // The gate kernel on generated hidden states.
  kRecorded,         // Ids of a real engine.
  kDrawnFromCounts,  // Real counts per expert; tokens drawn independently.
  kBaseline,         // No router at all.
};

struct RoutingBank {
  std::int64_t num_layers = 0;   // MoE layers.
  std::int64_t num_experts = 0;  // Routed experts; ids >= num_experts are zero experts.
  std::int64_t top_k = 0;
  std::int64_t sequences = 0;
  std::int64_t sequence_tokens = 0;
  // [layer][sequence][token][k]; kNoExpert where a token has fewer than top_k experts.
  std::vector<std::uint16_t> ids;
  RoutingOrigin origin = RoutingOrigin::kGenerated;
  std::string provenance;               // One line for the report: how these ids were made.
  std::vector<TrainingPoint> training;  // kTrained: load over training steps.

  static constexpr std::uint16_t kNoExpert = 0xFFFF;

  std::int64_t num_tokens() const { return sequences * sequence_tokens; }
  // The top_k ids of a token (sequence * sequence_tokens + position) in a layer.
  std::span<const std::uint16_t> token(std::int64_t layer, std::int64_t index) const {
    return {ids.data() + (layer * num_tokens() + index) * top_k, static_cast<std::size_t>(top_k)};
  }
};

// Routes sequences * sequence_tokens tokens through every MoE layer of the model.
// Requires: model.is_moe(); sequences and sequence_tokens >= 1.
// Same model, source and seed: same ids, for any number of threads (0 = one per core).
// Throws: InputError for files of the source; std::invalid_argument for a scheme that cannot decode
// (expert choice) or a recipe that cannot train this scheme.
RoutingBank make_routing_bank(const ModelSpec& model, const TokenSource& source, std::uint64_t seed,
                              std::int64_t num_threads = 0);

// Whether banks of this source that differ in experts and top_k alone can be made together.
bool can_share_work(const TokenSource& source);

// The banks that make_routing_bank makes of each model, where hidden states and their products with
// gate rows are made once for all. Requires: can_share_work; models of the same BankName::family.
std::vector<RoutingBank> make_routing_banks(std::span<const ModelSpec* const> models,
                                            const TokenSource& source, std::uint64_t seed,
                                            std::int64_t num_threads = 0);

// Tokens sent to each real expert: [layer][expert].
std::vector<std::vector<double>> expert_counts(const RoutingBank& bank);

// How unevenly the experts of one layer are loaded; all 0 without any load.
struct LoadStatistics {
  double max_over_mean = 0;  // 1 = balanced; MaxVio is this less 1.
  double gini = 0;           // 0 = balanced, 1 - 1/n = one expert has all.
  double cv = 0;             // Standard deviation over mean.
  double entropy = 0;        // -sum p ln p / ln n: 1 = balanced, 0 = one expert has all.
  double unused_share = 0;   // Experts with no token at all.
};
LoadStatistics load_statistics(std::span<const double> counts);

}  // namespace moesim
