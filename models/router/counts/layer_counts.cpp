#include "models/router/counts/layer_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "models/router/counts/count_sampler.h"

namespace moesim {

namespace {

void check_shares(std::int64_t layer, const std::vector<std::int64_t>& row, std::int64_t top_k,
                  FileFaults& faults) {
  std::int64_t total = 0;
  for (const std::int64_t count : row) total = std::min(total + count, kMostChoices + 1);
  const std::string place = fmt::format("layer {}", layer);
  if (total == 0 || total > kMostChoices) {
    faults.add(0, place, total == 0 ? "no choices" : "more choices",
               fmt::format("1 to {} choices in a layer", kMostChoices));
    return;
  }
  for (std::size_t e = 0; e < row.size(); ++e) {
    if (row[e] <= total / top_k) continue;
    faults.add(0, fmt::format("{}, expert {}", place, e),
               fmt::format("{} of the layer's {} choices", row[e], total),
               fmt::format("at most {}, since a token chooses {} different experts", total / top_k,
                           top_k));
  }
}

}  // namespace

LayerCounts counts_of_experts(LayerCounts rows, const RoutingShape& shape, FileFaults& faults) {
  rows.resize(static_cast<std::size_t>(shape.all_layers));
  std::vector<bool> seen;
  for (const auto& row : rows) seen.push_back(!row.empty());
  const auto slots = layer_slots(shape, seen, faults);
  LayerCounts counts(shape.moe_layers.size());
  for (std::size_t layer = 0; slots && layer < rows.size(); ++layer) {
    if ((*slots)[layer] < 0) continue;
    check_shares(static_cast<std::int64_t>(layer), rows[layer], shape.top_k, faults);
    counts[static_cast<std::size_t>((*slots)[layer])] = std::move(rows[layer]);
  }
  return counts;
}

RoutingBank draw_from_counts(const LayerCounts& counts, const RoutingShape& shape,
                             const DrawnTokens& drawn, const std::string& source,
                             const std::string& remark) {
  RoutingBank bank = empty_bank(shape, std::max<std::int64_t>(drawn.sequences, 1),
                                std::max<std::int64_t>(drawn.sequence_tokens, 1));
  auto out = bank.ids.begin();
  std::int64_t choices = 0;
  for (std::size_t layer = 0; layer < counts.size(); ++layer) {
    RandomStream random(drawn.seed, fmt::format("recorded counts/{}", layer));
    CountSampler sampler(counts[layer], shape.top_k);
    choices += std::accumulate(counts[layer].begin(), counts[layer].end(), std::int64_t{0});
    for (std::int64_t t = 0; t < bank.num_tokens(); ++t, out += shape.top_k) {
      sampler.draw(random, {out, static_cast<std::size_t>(shape.top_k)});
    }
  }
  bank.origin = RoutingOrigin::kDrawnFromCounts;
  bank.provenance = fmt::format(
      "drawn from the expert counts of {} ({} choices per layer on average{}): {} independent "
      "tokens",
      source, choices / shape.num_layers(), remark, bank.num_tokens());
  return bank;
}

}  // namespace moesim
