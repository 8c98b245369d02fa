// How the next token is drawn from its logits.
#pragma once

#include "base/words.h"

namespace moesim {

enum class Sampling {
  kGreedy,  // The likeliest; temperature 0, as load generators ask for.
  kRandom,  // By probability.
  kTopP,    // By probability among the likeliest (top-p, top-k), as chat models ask for.
};
template <>
inline constexpr auto kWords<Sampling> = enum_words<Sampling>({
    {Sampling::kGreedy, "greedy"},
    {Sampling::kRandom, "random"},
    {Sampling::kTopP, "top_p"},
});

}  // namespace moesim
