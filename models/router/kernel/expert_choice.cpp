#include "models/router/kernel/expert_choice.h"

#include <algorithm>
#include <numeric>

namespace moesim {

namespace {

struct Choice {
  std::size_t token;
  std::uint16_t expert;
  float score;
};

// The choices of all experts, expert after expert.
std::vector<Choice> choices(std::span<const float> scores, std::size_t outputs, std::size_t each) {
  const std::size_t tokens = scores.size() / outputs;
  std::vector<Choice> made;
  std::vector<std::size_t> order(tokens);
  for (std::size_t e = 0; e < outputs; ++e) {
    const auto score = [&](std::size_t t) { return scores[t * outputs + e]; };
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(each), order.end(),
                     [&](std::size_t a, std::size_t b) {
                       return score(a) != score(b) ? score(a) > score(b) : a < b;
                     });
    for (std::size_t i = 0; i < each; ++i) {
      made.push_back({order[i], static_cast<std::uint16_t>(e), score(order[i])});
    }
  }
  return made;
}

}  // namespace

std::int64_t tokens_per_expert(const MoeSpec& moe, std::int64_t tokens) {
  if (tokens == 0) return 0;
  return std::max<std::int64_t>(1, tokens * moe.top_k / gate_outputs(moe));
}

RoutedBatch choose_tokens(const MoeSpec& moe, std::span<const float> logits) {
  const auto outputs = static_cast<std::size_t>(gate_outputs(moe));
  const std::size_t tokens = logits.size() / outputs;
  std::vector<float> scores(logits.size());
  score_logits(moe, logits, scores);
  const std::int64_t each = tokens_per_expert(moe, static_cast<std::int64_t>(tokens));
  std::vector<Choice> made = choices(scores, outputs, static_cast<std::size_t>(each));
  std::sort(made.begin(), made.end(), [](const Choice& a, const Choice& b) {
    if (a.token != b.token) return a.token < b.token;
    return a.score != b.score ? a.score > b.score : a.expert < b.expert;
  });
  std::vector<std::int64_t> taken(tokens, 0);
  for (const Choice& choice : made) ++taken[choice.token];
  RoutedBatch batch;
  batch.slots = tokens == 0 ? moe.top_k : *std::max_element(taken.begin(), taken.end());
  const auto slots = static_cast<std::size_t>(batch.slots);
  batch.ids.assign(tokens * slots, kNoExpert);
  batch.weights.assign(tokens * slots, 0.0F);
  std::size_t slot = 0;
  for (std::size_t i = 0; i < made.size(); ++i) {
    slot = i > 0 && made[i].token == made[i - 1].token ? slot + 1 : 0;
    batch.ids[made[i].token * slots + slot] = made[i].expert;
    batch.weights[made[i].token * slots + slot] =
        made[i].score * static_cast<float>(moe.router.scaling);
  }
  return batch;
}

}  // namespace moesim
