// Routing recorded as counts per expert only: tokens are drawn that choose each expert in
// proportion to its count.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "models/router/bank/routing_bank.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Draws `top_k` different experts so that each is chosen with exactly its share of the counts:
//   P(e chosen) = top_k c_e / C,  C = sum c_e.
// Systematic sampling: lay intervals of length top_k c_e end to end over [0, top_k C), draw a whole
// u uniformly from [0, C), and choose the experts under u, u + C, ..., u + (top_k - 1) C. An
// interval of at most C whole numbers holds exactly one point congruent to u for top_k c_e of the C
// values of u, and never two. The intervals are in a new random order for every token, so that no
// pair of experts is kept apart or together by where they stand.
// Drawing one expert after the other in proportion to the counts left would flatten the
// shares, since a hot expert can be chosen only once.
// Source: Madow, "On the theory of systematic sampling, II", 1949; Hartley and Rao, "Sampling with
// unequal probabilities and without replacement", 1962 (random order).
class CountSampler {
 public:
  // Requires: every count >= 0, top_k * count <= the total, and top_k * total < 2^63.
  CountSampler(std::span<const std::int64_t> counts, std::int64_t top_k);

  // Fills `out`, of top_k ids.
  void draw(RandomStream& random, std::span<std::uint16_t> out);

 private:
  struct Share {
    std::int64_t length = 0;
    std::uint16_t expert = 0;
  };

  std::vector<Share> shares_;  // Intervals of the experts with a count above 0.
  std::int64_t total_ = 0;
};

// How many tokens to draw.
struct DrawnTokens {
  std::int64_t sequences = 128;
  std::int64_t sequence_tokens = 32;
  std::uint64_t seed = 0;
};

// Counts per layer and expert from lines of "layer_id,expert_id,count" (SGLang's expert
// distribution; also "layer,expert,count") after that header; pairs that are left out count 0.
// Layers are numbered among all layers of the model or among those with experts. No expert may have
// more than 1/top_k of its layer's choices, which different experts per token cannot give. The bank
// is of independent tokens, marked kDrawnFromCounts.
// Throws: InputError with the file's faults and their lines.
RoutingBank read_expert_counts(const std::string& path, const ModelSpec& model,
                               const DrawnTokens& drawn);

}  // namespace moesim
