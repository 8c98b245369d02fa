// Where MoE and dense break even, in words.
#pragma once

#include <string>

#include "reports/analysis/break_even.h"

namespace moesim {

// "moe costs less than dense from num_experts about 96 on (between 64 and 128); the crossover is
// driven by ...".
std::string break_even_sentence(const BreakEvenCurve& curve);

// "network (MoE minus dense: +0.12 USD before, -0.03 USD after)"; empty without a reason.
std::string turning_text(const Crossing& crossing);

// "top_k 2, tp 4": the settings that all points of a curve share.
std::string shared_settings(const BreakEvenCurve& curve);

}  // namespace moesim
