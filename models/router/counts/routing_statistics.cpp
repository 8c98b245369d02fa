#include "models/router/counts/routing_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>

#include "base/input_error.h"
#include "models/router/counts/statistics_files.h"
#include "models/router/recorded/input_file.h"

namespace moesim {

namespace {

constexpr const char* kRecordAll =
    "the counts of all ranks: --expert-distribution-recorder-mode stat";

// Turns the tables of a file into counts of the model's experts.
class CountFinder {
 public:
  CountFinder(const RoutingStatistics& statistics, const RoutingShape& shape, FileFaults& faults)
      : statistics_(statistics), shape_(shape), faults_(faults) {}

  LayerCounts find() {
    LayerCounts rows;
    if (!statistics_.logical.empty()) {
      if (is_whole(statistics_.logical)) rows = statistics_.logical.rows();
    } else if (!statistics_.physical.empty()) {
      rows = of_slots();
    } else {
      faults_.add(0, "", fields_text(),
                  "logical_count, or records with global_physical_count (SGLang's "
                  "--expert-distribution-recorder-mode)");
    }
    if (rows.empty() || !fits_model(rows)) return {};
    if (static_cast<std::int64_t>(rows.size()) == shape_.all_layers) drop_dense(rows);
    return counts_of_experts(std::move(rows), shape_, faults_);
  }

 private:
  std::string fields_text() const {
    if (statistics_.fields.empty()) return "no fields";
    std::vector<std::string> names;
    for (const std::string& field : statistics_.fields) names.push_back(shown(field));
    const bool is_long = names.size() > 12;
    if (is_long) names.resize(12);
    return "only the fields " + comma_list(names) + (is_long ? ", ..." : "");
  }

  // Whether every layer has as many numbers.
  bool is_whole(const CountGrid& table) {
    for (std::size_t layer = 0; layer < table.rows().size(); ++layer) {
      const auto slots = static_cast<std::int64_t>(table.rows()[layer].size());
      if (slots == table.slots()) continue;
      faults_.add(0, table.name(), fmt::format("{} experts in layer {}", slots, layer),
                  fmt::format("{} in every layer", table.slots()));
      return false;
    }
    return true;
  }

  // Experts' counts from those of their slots.
  LayerCounts of_slots() {
    const CountGrid& counts = statistics_.physical;
    const CountGrid& map = statistics_.map;
    if (map.layers() != counts.layers() || map.slots() != counts.slots() || map.steps() != 1) {
      faults_.add(0, "physical_to_logical_map",
                  map.empty() ? "none" : fmt::format("[{}, {}]", map.layers(), map.slots()),
                  fmt::format("one of [{}, {}], as global_physical_count", counts.layers(),
                              counts.slots()));
      return {};
    }
    if (!is_whole(counts) || !is_whole(map) || is_of_one_rank(counts)) return {};
    LayerCounts rows(counts.rows().size());
    for (std::size_t layer = 0; layer < rows.size(); ++layer) {
      rows[layer].assign(static_cast<std::size_t>(shape_.outputs), 0);
      for (std::size_t slot = 0; slot < counts.rows()[layer].size(); ++slot) {
        const std::int64_t expert = map.rows()[layer][slot];
        if (expert >= shape_.outputs) {
          faults_.add(0, fmt::format("physical_to_logical_map, layer {}, slot {}", layer, slot),
                      fmt::format("expert {}", expert), fmt::format("0 to {}", shape_.outputs - 1));
          return {};
        }
        rows[layer][static_cast<std::size_t>(expert)] += counts.rows()[layer][slot];
      }
    }
    return rows;
  }

  // Some dispatch kernels count on each rank only what its own experts receive.
  bool is_of_one_rank(const CountGrid& counts) {
    std::int64_t first = counts.slots(), last = -1;
    for (const auto& row : counts.rows()) {
      for (std::int64_t slot = 0; slot < counts.slots(); ++slot) {
        if (row[static_cast<std::size_t>(slot)] == 0) continue;
        first = std::min(first, slot);
        last = std::max(last, slot);
      }
    }
    if (last < 0 || 2 * (last - first + 1) > counts.slots()) return false;
    faults_.add(0, counts.name(),
                fmt::format("choices in slots {} to {} of {} alone: those of one rank's experts",
                            first, last, counts.slots()),
                kRecordAll);
    return true;
  }

  bool fits_model(const LayerCounts& rows) {
    const auto layers = static_cast<std::int64_t>(rows.size());
    const auto experts = static_cast<std::int64_t>(rows.front().size());
    const bool layers_fit = layers == shape_.num_layers() || layers == shape_.all_layers;
    if (!layers_fit) {
      std::string allowed =
          fmt::format("the {} layers of {} that have experts", shape_.num_layers(), shape_.model);
      if (shape_.all_layers != shape_.num_layers()) {
        allowed += fmt::format(", or all {}", shape_.all_layers);
      }
      faults_.add(0, "", counted(layers, "layer"), allowed);
    }
    if (experts != shape_.outputs) {
      faults_.add(0, "", counted(experts, "expert") + " a layer",
                  fmt::format("the {} of {}{}", shape_.outputs, shape_.model,
                              experts > shape_.outputs
                                  ? "; shared experts that are fused with them are not counted"
                                  : ""));
    }
    return layers_fit && experts == shape_.outputs;
  }

  // Layers without experts have rows of zeros.
  void drop_dense(LayerCounts& rows) {
    for (std::size_t layer = 0; layer < rows.size(); ++layer) {
      if (shape_.has_experts(static_cast<std::int64_t>(layer))) continue;
      const std::int64_t choices =
          std::accumulate(rows[layer].begin(), rows[layer].end(), std::int64_t{0});
      if (choices > 0) {
        faults_.add(0, fmt::format("layer {}", layer), fmt::format("{} choices", choices),
                    fmt::format("0 in the layers of {} without experts", shape_.model));
      }
      rows[layer].clear();
    }
  }

  const RoutingStatistics& statistics_;
  const RoutingShape& shape_;
  FileFaults& faults_;
};

// "; summed over 3 steps of logical_count; not used: rank".
std::string remark_of(const RoutingStatistics& statistics) {
  const bool is_logical = !statistics.logical.empty();
  const CountGrid& table = is_logical ? statistics.logical : statistics.physical;
  std::vector<std::string> unused;
  for (const std::string& field : statistics.fields) {
    const bool is_map = field.ends_with("physical_to_logical_map");
    const bool is_used = field == table.name() || (!is_logical && (is_map || field == "records"));
    if (!is_used) unused.push_back(shown(field));
  }
  std::string text =
      fmt::format("; {} of {} step{}", table.name(), table.steps(), table.steps() == 1 ? "" : "s");
  if (!unused.empty()) text += "; not used: " + comma_list(unused);
  return text;
}

// By the first bytes, of a zip file or a pickle, or by name.
bool is_of_torch(const std::string& path) {
  const InputFile file(path);
  std::string start(static_cast<std::size_t>(std::min<std::int64_t>(file.size(), 2)), '\0');
  file.read(0, start);
  return start == "PK" || start.front() == '\x80' || path.ends_with(".pt");
}

}  // namespace

CountGrid* RoutingStatistics::table(std::string_view field) {
  if (field == "logical_count") return &logical;
  if (field == "global_physical_count") return &physical;
  const bool is_map = field == "physical_to_logical_map" || field == "last_physical_to_logical_map";
  return is_map ? &map : nullptr;
}

RoutingBank read_routing_statistics(const std::string& path, const ModelSpec& model,
                                    const DrawnTokens& drawn) {
  const RoutingShape shape(model, path);
  FileFaults faults(path);
  RoutingStatistics statistics(faults);
  if (is_of_torch(path)) {
    read_statistics_torch(path, statistics);
  } else {
    read_statistics_json(path, statistics);
  }
  faults.throw_if_any();
  const LayerCounts counts = CountFinder(statistics, shape, faults).find();
  faults.throw_if_any();
  return draw_from_counts(counts, shape, drawn, InputFile(path).name(), remark_of(statistics));
}

}  // namespace moesim
