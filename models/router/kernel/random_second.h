// GShard's random second expert. Source: arXiv:2006.16668, algorithm 1.
#pragma once

#include "models/router/kernel/router_kernel.h"

namespace moesim {

// Keeps the second of two experts with probability min(1, 2 g_2), g_2 its share of the two weights;
// else its id becomes kNoExpert and its weight 0. The first keeps its weight.
// Shapes: routed [tokens, 2], weights not empty.
void drop_second_experts(const RouteOptions& options, RoutedTokens routed);

}  // namespace moesim
