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

namespace moesim {

namespace {

// Whether the first line of a .csv has three columns: counts, or nothing that is known.
bool has_three_columns(const std::string& path) {
  const InputFile file(path);
  LineReader lines(file);
  return lines.next() && std::count(lines.text().begin(), lines.text().end(), ',') == 2;
}

// A file that is no recording, or one of another kind. Logs hold the balance of ranks, from which
// no expert's load can be told.
[[noreturn]] void refuse_kind(const std::string& path) {
  if (const auto log = read_balance_log(path)) {
    refuse_file(
        path,
        fmt::format("a log of {} with {} lines of balancedness, {:.3f} on average", log->engine,
                    log->lines, log->balancedness),
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
  if (ending == ".csv" && has_three_columns(path)) {
    return read_expert_counts(path, model, {sequences, sequence_tokens, seed});
  }
  if (ending == ".csv") return read_layer_choices(path, model, sequence_tokens);
  if (ending == ".json" || ending == ".pt") {
    return read_routing_statistics(path, model, {sequences, sequence_tokens, seed});
  }
  refuse_kind(path);
}

}  // namespace moesim
