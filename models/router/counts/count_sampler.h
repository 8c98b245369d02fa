// Tokens whose experts are chosen in proportion to counts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

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

}  // namespace moesim
