#include "models/router/recorded/expert_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "models/router/recorded/number_lines.h"
#include "models/router/recorded/recorded_tokens.h"

namespace moesim {

namespace {

constexpr std::int64_t kMostChoices = 100'000'000'000'000;  // Of a layer; also of an expert.

// Counts as read: one row per layer number of the file, empty until the layer is seen.
class CountTable {
 public:
  CountTable(const RoutingShape& shape, FileFaults& faults)
      : shape_(shape), faults_(faults), rows_(static_cast<std::size_t>(shape.all_layers)) {}

  void take(std::string_view text, std::int64_t line) {
    std::int64_t numbers[3];
    if (!read_numbers(text, numbers)) {
      faults_.add(line, "", shown(text), "three whole numbers: layer_id,expert_id,count");
      return;
    }
    const auto [layer, expert, count] = numbers;
    if (!in_range(line, "layer_id", layer, shape_.all_layers - 1)) return;
    if (!in_range(line, "expert_id", expert, shape_.outputs - 1)) return;
    if (!in_range(line, "count", count, kMostChoices)) return;
    std::vector<std::int64_t>& row = rows_[static_cast<std::size_t>(layer)];
    if (row.empty()) row.assign(static_cast<std::size_t>(shape_.outputs), kUnset);
    std::int64_t& entry = row[static_cast<std::size_t>(expert)];
    if (entry != kUnset) {
      faults_.add(line, "", fmt::format("layer {}, expert {} again", layer, expert),
                  "one line per layer and expert");
      return;
    }
    entry = count;
  }

  // Counts [MoE layer][output]; meaningless if the faults are not empty then.
  std::vector<std::vector<std::int64_t>> counts() {
    std::vector<bool> seen;
    for (const auto& row : rows_) seen.push_back(!row.empty());
    const auto slots = layer_slots(shape_, seen, faults_);
    std::vector<std::vector<std::int64_t>> counts(shape_.moe_layers.size());
    for (std::size_t layer = 0; slots && layer < rows_.size(); ++layer) {
      if ((*slots)[layer] < 0) continue;
      std::replace(rows_[layer].begin(), rows_[layer].end(), kUnset, std::int64_t{0});
      check_shares(static_cast<std::int64_t>(layer), rows_[layer]);
      counts[static_cast<std::size_t>((*slots)[layer])] = std::move(rows_[layer]);
    }
    return counts;
  }

 private:
  static constexpr std::int64_t kUnset = -1;

  bool in_range(std::int64_t line, const char* what, std::int64_t value, std::int64_t most) {
    if (value >= 0 && value <= most) return true;
    faults_.add(line, what, std::to_string(value), fmt::format("0 to {}", most));
    return false;
  }

  void check_shares(std::int64_t layer, const std::vector<std::int64_t>& row) {
    std::int64_t total = 0;
    for (const std::int64_t count : row) total = std::min(total + count, kMostChoices + 1);
    const std::string place = fmt::format("layer {}", layer);
    if (total == 0 || total > kMostChoices) {
      faults_.add(0, place, total == 0 ? "no choices" : "more choices",
                  fmt::format("1 to {} choices in a layer", kMostChoices));
      return;
    }
    for (std::size_t e = 0; e < row.size(); ++e) {
      if (row[e] <= total / shape_.top_k) continue;
      faults_.add(0, fmt::format("{}, expert {}", place, e),
                  fmt::format("{} of the layer's {} choices", row[e], total),
                  fmt::format("at most {}, since a token chooses {} different experts",
                              total / shape_.top_k, shape_.top_k));
    }
  }

  const RoutingShape& shape_;
  FileFaults& faults_;
  std::vector<std::vector<std::int64_t>> rows_;
};

}  // namespace

CountSampler::CountSampler(std::span<const std::int64_t> counts, std::int64_t top_k)
    : total_(std::accumulate(counts.begin(), counts.end(), std::int64_t{0})) {
  for (std::size_t e = 0; e < counts.size(); ++e) {
    if (counts[e] > 0) shares_.push_back({top_k * counts[e], static_cast<std::uint16_t>(e)});
  }
}

void CountSampler::draw(RandomStream& random, std::span<std::uint16_t> out) {
  auto point = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(total_)));
  std::int64_t end = 0;
  std::size_t drawn = 0;
  // Shuffles only as far as the last point needs.
  for (std::size_t i = 0; drawn < out.size(); ++i) {
    std::swap(shares_[i], shares_[i + random.below(shares_.size() - i)]);
    end += shares_[i].length;
    if (point >= end) continue;
    out[drawn++] = shares_[i].expert;
    point += total_;
  }
}

RoutingBank read_expert_counts(const std::string& path, const ModelSpec& model,
                               const DrawnTokens& drawn) {
  const InputFile file(path);
  const RoutingShape shape(model, path);
  FileFaults faults(path);
  CountTable table(shape, faults);
  LineReader lines(file);
  if (!lines.next() || !(is_header(lines.text(), "layer_id,expert_id,count") ||
                         is_header(lines.text(), "layer,expert,count"))) {
    refuse_file(path, "first line " + shown(lines.text()), "layer_id,expert_id,count");
  }
  while (lines.next()) table.take(lines.text(), lines.number());
  const std::vector<std::vector<std::int64_t>> counts = table.counts();
  faults.throw_if_any();
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
      "drawn from the expert counts of {} ({} choices per layer on average): {} independent tokens",
      file.name(), choices / shape.num_layers(), bank.num_tokens());
  return bank;
}

}  // namespace moesim
