#include "models/router/make/recorded_routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "models/router/counts/balance_log.h"
#include "models/router/counts/expert_counts.h"
#include "models/router/counts/routing_statistics.h"
#include "models/router/recorded/input_file.h"
#include "models/router/recorded/json_lines.h"
#include "models/router/recorded/layer_choices.h"
#include "models/router/recorded/npy.h"
#include "models/router/recorded/recorded_tokens.h"

namespace moesim {

namespace {

// Lines of choices, or of counts, by the number of columns.
RoutingBank read_table(const std::string& path, const ModelSpec& model, const DrawnTokens& drawn) {
  std::string first;
  {
    const InputFile file(path);
    LineReader lines(file);
    if (lines.next()) first = lines.text();
  }
  switch (std::count(first.begin(), first.end(), ',')) {
    case 2:
      return read_expert_counts(path, model, drawn);
    case 0:
    case 1:
      return read_layer_choices(path, model, drawn.sequence_tokens);
    default:
      refuse_file(path, "first line " + shown(first), "layer_id,expert_id,count or layer,expert");
  }
}

// A file that is no recording, or one of another kind. Logs hold the balance of ranks, from which
// no expert's load can be told.
[[noreturn]] void refuse_kind(const std::string& path) {
  if (const auto log = read_balance_log(path)) {
    refuse_file(
        path,
        fmt::format("a log of {} with {} of balancedness, {:.3f} on average", log->engine,
                    counted(log->lines, "line"), log->balancedness),
        fmt::format("loads of single experts: {}",
                    log->engine == "SGLang"
                        ? "the .pt file of --expert-distribution-recorder-mode stat"
                        : "each token's experts (--enable-return-routed-experts) as .npy, or "
                          "a .json file {\"logical_count\": [[counts of layer 0], ...]}"));
  }
  refuse_file(path, "recorded routing of an unknown kind",
              "each token's experts in .npy, .jsonl or .csv with layer,expert; or counts in .json "
              "or .pt with logical_count (SGLang) or .csv with layer_id,expert_id,count. Counts of "
              "another kind can be written as {\"logical_count\": [[counts of layer 0], ...]} in "
              "a .json file");
}

}  // namespace

RoutingBank read_recorded_routing(const std::string& path, const ModelSpec& model,
                                  std::int64_t sequence_tokens, std::uint64_t seed,
                                  std::int64_t sequences) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending == ".npy") return read_npy(path, model, sequence_tokens);
  if (ending == ".jsonl") return read_json_lines(path, model, sequence_tokens);
  const DrawnTokens drawn{sequences, sequence_tokens, seed};
  if (ending == ".csv") return read_table(path, model, drawn);
  if (ending == ".json" || ending == ".pt") return read_routing_statistics(path, model, drawn);
  refuse_kind(path);
}

}  // namespace moesim
