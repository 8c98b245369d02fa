#include "models/router/recorded/recorded_routing.h"

#include <algorithm>
#include <filesystem>

#include "models/router/recorded/expert_counts.h"
#include "models/router/recorded/input_file.h"
#include "models/router/recorded/json_lines.h"
#include "models/router/recorded/layer_choices.h"
#include "models/router/recorded/npy.h"

namespace moesim {

namespace {

// Whether the first line of a .csv has three columns: counts, or nothing that is known.
bool has_three_columns(const std::string& path) {
  const InputFile file(path);
  LineReader lines(file);
  return lines.next() && std::count(lines.text().begin(), lines.text().end(), ',') == 2;
}

}  // namespace

RoutingBank read_recorded_routing(const std::string& path, const ModelSpec& model,
                                  std::int64_t sequence_tokens, std::uint64_t seed,
                                  std::int64_t sequences) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending == ".npy") return read_npy(path, model, sequence_tokens);
  if (ending == ".jsonl") return read_json_lines(path, model, sequence_tokens);
  if (ending == ".csv" && has_three_columns(path)) {
    return read_expert_counts(path, model, {sequences, sequence_tokens, seed});
  }
  if (ending == ".csv") return read_layer_choices(path, model, sequence_tokens);
  refuse_file(path, "recorded routing of an unknown kind",
              ".npy, .jsonl, .csv with layer_id,expert_id,count or .csv with layer,expert");
}

}  // namespace moesim
