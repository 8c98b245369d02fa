// BASE layers: while training, every expert gets the same number of tokens and the sum of the
// logits is as large as that allows. Source: Lewis et al., arXiv:2103.16716.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace moesim {

// One expert per token, none more than ceil(tokens / experts) of them, with a sum of values within
// tokens epsilon of the largest possible. An auction: tokens bid for places, so that
//   value_te - price_e >= max_j (value_tj - price_j) - epsilon
// holds for every token t at its expert e, and prices are the dual solution. Source: Bertsekas and
// Castanon, "The auction algorithm for the transportation problem", 1989.
// Shapes: values [tokens, experts], finite. Requires: epsilon > 0.
std::vector<std::uint16_t> balanced_assignment(std::span<const float> values, std::int64_t experts,
                                               double epsilon);

// The epsilon that routing uses: 1e-4 of the spread of the values.
double assignment_epsilon(std::span<const float> values);

}  // namespace moesim
