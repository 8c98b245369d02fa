#include "models/router/counts/expert_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "models/router/recorded/number_lines.h"
#include "models/router/recorded/recorded_tokens.h"

namespace moesim {

namespace {

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

  // The rows, empty where the file has no line of a layer.
  LayerCounts take_rows() {
    for (auto& row : rows_) std::replace(row.begin(), row.end(), kUnset, std::int64_t{0});
    return std::move(rows_);
  }

 private:
  static constexpr std::int64_t kUnset = -1;

  bool in_range(std::int64_t line, const char* what, std::int64_t value, std::int64_t most) {
    if (value >= 0 && value <= most) return true;
    faults_.add(line, what, std::to_string(value), fmt::format("0 to {}", most));
    return false;
  }

  const RoutingShape& shape_;
  FileFaults& faults_;
  LayerCounts rows_;
};

}  // namespace

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
  const LayerCounts counts = counts_of_experts(table.take_rows(), shape, faults);
  faults.throw_if_any();
  return draw_from_counts(counts, shape, drawn, file.name());
}

}  // namespace moesim
