// Counts of every expert of a model, checked against it, and the bank of tokens drawn from them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/router/recorded/recorded_tokens.h"

namespace moesim {

inline constexpr std::int64_t kMostChoices = 100'000'000'000'000;  // Of a layer; also of an expert.

// How many tokens to draw.
struct DrawnTokens {
  std::int64_t sequences = 128;
  std::int64_t sequence_tokens = 32;
  std::uint64_t seed = 0;
};

// [layer][expert]. Rows of a file are numbered among all layers of the model or among those with
// experts, and empty where the file has nothing.
using LayerCounts = std::vector<std::vector<std::int64_t>>;

// The counts of the layers with experts. No expert may have more than 1/top_k of its layer's
// choices, which different experts per token cannot give. Meaningless if the faults are not empty
// then. Requires: rows of shape.outputs counts, each 0 to kMostChoices; at most one row a layer.
LayerCounts counts_of_experts(LayerCounts rows, const RoutingShape& shape, FileFaults& faults);

// A bank of independent tokens, marked kDrawnFromCounts. `source` says in the report where the
// counts are from: "counts.csv", and what else is to be known of them, "; not used: rank".
RoutingBank draw_from_counts(const LayerCounts& counts, const RoutingShape& shape,
                             const DrawnTokens& drawn, const std::string& source,
                             const std::string& remark = "");

}  // namespace moesim
