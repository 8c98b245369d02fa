#include "models/router/recorded/layer_choices.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/router/recorded/number_lines.h"
#include "models/router/recorded/recorded_tokens.h"

namespace moesim {

namespace {

// The tokens of each layer number of a file.
class ChoiceTable {
 public:
  ChoiceTable(const RoutingShape& shape, FileFaults& faults)
      : shape_(shape),
        faults_(faults),
        checker_(shape, faults),
        layers_(static_cast<std::size_t>(shape.all_layers)) {}

  void take(std::string_view text, std::int64_t line) {
    std::int64_t numbers[2];
    if (!read_numbers(text, numbers)) {
      faults_.add(line, "", shown(text), "two whole numbers: layer,expert");
      return;
    }
    const auto [layer, expert] = numbers;
    if (layer < 0 || layer >= shape_.all_layers) {
      faults_.add(line, "layer", std::to_string(layer),
                  fmt::format("0 to {}", shape_.all_layers - 1));
      return;
    }
    Layer& row = layers_[static_cast<std::size_t>(layer)];
    row.open.push_back(expert);
    if (static_cast<std::int64_t>(row.open.size()) < shape_.top_k) return;
    const std::size_t begin = row.ids.size();
    row.ids.resize(begin + row.open.size());
    const std::int64_t token = static_cast<std::int64_t>(begin) / shape_.top_k;
    checker_.take(row.open, {line, token, layer}, std::span(row.ids).subspan(begin));
    row.open.clear();
  }

  // Ids [MoE layer][token][k] by layer; meaningless if the faults are not empty then.
  std::vector<std::vector<std::uint16_t>> layers() {
    std::vector<bool> seen;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Layer& row = layers_[l];
      seen.push_back(!row.ids.empty() || !row.open.empty());
      if (row.open.empty()) continue;
      faults_.add(0, fmt::format("layer {}", l),
                  fmt::format("{} choices", row.ids.size() + row.open.size()),
                  fmt::format("a multiple of {}, whole tokens", shape_.top_k));
    }
    const auto slots = layer_slots(shape_, seen, faults_);
    std::vector<std::vector<std::uint16_t>> ids(shape_.moe_layers.size());
    for (std::size_t l = 0; slots && l < layers_.size(); ++l) {
      if ((*slots)[l] >= 0) ids[static_cast<std::size_t>((*slots)[l])] = std::move(layers_[l].ids);
    }
    return ids;
  }

 private:
  struct Layer {
    std::vector<std::uint16_t> ids;  // Of whole tokens.
    std::vector<std::int64_t> open;  // Of the token that is being read.
  };

  const RoutingShape& shape_;
  FileFaults& faults_;
  TokenChecker checker_;
  std::vector<Layer> layers_;
};

// The tokens that every layer has. A fault unless all layers but the last agree and the last has
// no more.
std::int64_t common_tokens(const std::vector<std::vector<std::uint16_t>>& layers,
                           const RoutingShape& shape, FileFaults& faults) {
  const std::size_t full = layers.front().size();
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const bool last = l + 1 == layers.size();
    if (layers[l].size() == full || (last && layers[l].size() < full)) continue;
    faults.add(0, fmt::format("layer {} of those with experts", l),
               counted(static_cast<std::int64_t>(layers[l].size()) / shape.top_k, "token"),
               fmt::format("{} as in the first{}", full / static_cast<std::size_t>(shape.top_k),
                           last ? ", or fewer" : ""));
  }
  return static_cast<std::int64_t>(std::min(full, layers.back().size())) / shape.top_k;
}

}  // namespace

RoutingBank read_layer_choices(const std::string& path, const ModelSpec& model,
                               std::int64_t sequence_tokens) {
  const InputFile file(path);
  const RoutingShape shape(model, path);
  FileFaults faults(path);
  ChoiceTable table(shape, faults);
  LineReader lines(file);
  for (bool first = true; lines.next(); first = false) {
    if (first && is_header(lines.text(), "layer,expert")) continue;
    table.take(lines.text(), lines.number());
  }
  const std::vector<std::vector<std::uint16_t>> layers = table.layers();
  faults.throw_if_any();
  const std::int64_t tokens = common_tokens(layers, shape, faults);
  faults.throw_if_any();
  const std::int64_t skipped =
      static_cast<std::int64_t>(layers.front().size()) / shape.top_k - tokens;
  const SequenceCut cut({&tokens, 1}, sequence_tokens);
  RoutingBank bank = empty_bank(shape, cut.sequences, cut.sequence_tokens);
  auto out = bank.ids.begin();
  for (const std::vector<std::uint16_t>& ids : layers) {
    const std::ptrdiff_t begin = static_cast<std::ptrdiff_t>(ids.size()) - tokens * shape.top_k;
    out = std::copy_n(ids.begin() + begin, bank.num_tokens() * shape.top_k, out);
  }
  bank.provenance = fmt::format("recorded choices of {} (layer,expert lines, {}: {}", file.name(),
                                counted(tokens + skipped, "token"), cut.text());
  if (skipped > 0) {
    bank.provenance += fmt::format("; the first {} lack the last layer and are left out", skipped);
  }
  bank.provenance += ")";
  return bank;
}

}  // namespace moesim
