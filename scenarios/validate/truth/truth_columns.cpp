#include "scenarios/validate/truth/truth_columns.h"

#include <algorithm>
#include <array>
#include <utility>

namespace moesim {
namespace {

// Upper bounds that keep every sum and simulation finite; the largest real machines, contexts and
// messages are far below them.
constexpr double kDevices = 1e6;
constexpr double kTokens = 1e7;
constexpr double kUsers = 1e5;
constexpr double kShape = 1e9;
constexpr double kAnything = 1e18;

constexpr TruthColumn essential(std::string_view name) {
  return {name, CellKind::kText, 0, true};
}
constexpr TruthColumn text(std::string_view name) {
  return {name, CellKind::kText, 0, false};
}
constexpr TruthColumn count(std::string_view name, double most) {
  return {name, CellKind::kCount, most, false};
}
constexpr TruthColumn number(std::string_view name, double most = kAnything) {
  return {name, CellKind::kNumber, most, false};
}
constexpr TruthColumn kValue{"value", CellKind::kNumber, kAnything, true};

constexpr std::array kServing = {essential("id"),
                                 essential("model"),
                                 essential("hardware"),
                                 count("n_gpus", kDevices),
                                 count("tp", kDevices),
                                 count("pp", kDevices),
                                 count("ep", kDevices),
                                 count("attn_dp", kDevices),
                                 count("moe_tp", kDevices),
                                 text("weight_dtype"),
                                 text("kv_dtype"),
                                 text("engine"),
                                 essential("mode"),
                                 number("isl", kTokens),
                                 number("osl", kTokens),
                                 number("concurrency", kUsers),
                                 number("batch", kUsers),
                                 count("p_workers", kDevices),
                                 count("p_tp", kDevices),
                                 count("p_pp", kDevices),
                                 count("p_ep", kDevices),
                                 count("p_dp", kDevices),
                                 count("p_moe_tp", kDevices),
                                 number("p_batch", kUsers),
                                 count("d_workers", kDevices),
                                 count("d_tp", kDevices),
                                 count("d_pp", kDevices),
                                 count("d_ep", kDevices),
                                 count("d_dp", kDevices),
                                 count("d_moe_tp", kDevices),
                                 number("d_batch", kUsers),
                                 number("kv_len", kTokens),
                                 text("power_limit_w"),
                                 text("routing"),
                                 text("dataset"),
                                 essential("metric"),
                                 kValue,
                                 text("unit"),
                                 text("suspect"),
                                 text("source"),
                                 text("notes"),
                                 text("series")};

constexpr std::array kEnergy = {essential("id"),
                                essential("model"),
                                text("checkpoint"),
                                essential("hardware"),
                                count("n_gpus", kDevices),
                                count("tp", kDevices),
                                count("ep", kDevices),
                                count("dp", kDevices),
                                text("dtype"),
                                text("engine"),
                                text("task"),
                                number("isl", kTokens),
                                number("osl", kTokens),
                                number("batch", kUsers),
                                number("max_num_seqs", kUsers),
                                text("power_limit_w"),
                                text("energy_scope"),
                                number("joules_per_output_token"),
                                number("joules_per_request"),
                                number("average_power_w"),
                                number("output_tokens_per_s"),
                                number("median_itl_s"),
                                essential("metric"),
                                kValue,
                                text("unit"),
                                text("suspect"),
                                text("source"),
                                text("notes"),
                                text("series")};

constexpr std::array kMemory = {essential("id"),
                                essential("model"),
                                essential("hardware"),
                                count("n_gpus", kDevices),
                                count("tp", kDevices),
                                count("pp", kDevices),
                                count("dp", kDevices),
                                count("ep", kDevices),
                                text("dtype"),
                                text("kv_dtype"),
                                text("engine"),
                                number("gpu_memory_utilization", 1),
                                count("max_model_len", kTokens),
                                count("max_num_batched_tokens", kTokens),
                                count("tokens", 1e9),
                                count("block_size", 1e6),
                                essential("metric"),
                                kValue,
                                text("unit"),
                                text("suspect"),
                                text("source"),
                                text("notes"),
                                text("series")};

constexpr std::array kKernels = {essential("id"),
                                 essential("kind"),
                                 text("model"),
                                 essential("hardware"),
                                 count("n_gpus", kDevices),
                                 essential("dtype"),
                                 text("scaling"),
                                 count("m", kShape),
                                 count("n", kShape),
                                 count("k", kShape),
                                 count("groups", 1e6),
                                 count("num_tokens", kTokens),
                                 count("hidden", 1e6),
                                 count("inter", 1e6),
                                 count("topk", 1024),
                                 count("experts", 16384),
                                 count("moe_tp", kDevices),
                                 count("moe_ep", kDevices),
                                 text("routing"),
                                 count("batch", kUsers),
                                 count("seq", kTokens),
                                 count("kv_len", kTokens),
                                 count("heads", 1e5),
                                 count("kv_heads", 1e5),
                                 count("head_dim", 1e5),
                                 count("window", kTokens),
                                 essential("metric"),
                                 kValue,
                                 text("unit"),
                                 text("engine"),
                                 text("suspect"),
                                 text("source"),
                                 text("notes"),
                                 text("series")};

constexpr std::array kCollectives = {essential("id"),
                                     essential("op"),
                                     essential("hardware"),
                                     count("n_gpus", 1e5),
                                     count("n_nodes", 1e5),
                                     count("ep", kDevices),
                                     text("network"),
                                     number("message_bytes", 1e15),
                                     count("tokens", kTokens),
                                     count("hidden", 1e6),
                                     count("topk", 1024),
                                     count("experts", 16384),
                                     count("sms", 1e4),
                                     text("dtype"),
                                     essential("metric"),
                                     kValue,
                                     text("unit"),
                                     text("engine"),
                                     text("suspect"),
                                     text("source"),
                                     text("notes"),
                                     text("series")};

constexpr std::array kRouting = {essential("id"),
                                 essential("model"),
                                 text("checkpoint"),
                                 text("hardware"),
                                 count("n_gpus", kDevices),
                                 count("ep", kDevices),
                                 text("dataset"),
                                 text("layer"),
                                 count("experts", 16384),
                                 count("topk", 1024),
                                 text("choice"),
                                 count("tokens", 1e12),
                                 essential("metric"),
                                 kValue,
                                 text("unit"),
                                 text("suspect"),
                                 text("source"),
                                 text("notes"),
                                 text("series")};

constexpr std::array kTraining = {essential("id"),   essential("model"),  text("variant"),
                                  text("hardware"),  text("gbs"),         text("mbs"),
                                  text("seq"),       text("kind"),        text("container"),
                                  text("latest"),    essential("metric"), kValue,
                                  text("alt_value"), text("unit"),        text("suspect"),
                                  text("source"),    text("notes"),       text("series")};

constexpr std::pair<std::string_view, std::string_view> kUnits[] = {
    {"ttft_s", "s"},
    {"tpot_s", "s"},
    {"itl_s", "s"},
    {"request_time_s", "s"},
    {"time_s", "s"},
    {"output_tokens_per_s", "tokens/s"},
    {"output_tokens_per_s_per_gpu", "tokens/s/GPU"},
    {"input_tokens_per_s_per_node", "tokens/s/node"},
    {"output_tokens_per_s_per_node", "tokens/s/node"},
    {"power_fraction_of_tdp", "fraction"},
    {"peak_power_fraction_of_tdp", "fraction"},
    {"min_mem_fraction", "fraction"},
    {"average_power_w", "W"},
    {"joules_per_output_token", "J"},
    {"joules_per_request", "J"},
    {"gpu_hours", "h"},
    {"tflops", "TFLOP/s"},
    {"gbps", "GB/s"},
    {"busbw_gbps", "GB/s"},
    {"kv_cache_tokens", "tokens"},
    {"gpu_blocks", "blocks"},
    {"fits", "1/0"},
    {"weights_bytes_per_gpu", "B"},
    {"weights_bytes_total", "B"},
    {"kv_cache_bytes_per_gpu", "B"},
    {"kv_cache_bytes_total", "B"},
    {"kv_cache_incl_index_bytes_per_gpu", "B"},
    {"kv_bytes_per_token", "B"},
    {"kv_bytes_per_token_per_layer", "B"},
    {"activation_peak_bytes", "B"},
    {"non_torch_bytes", "B"},
    {"engine_budget_bytes", "B"},
    {"gpu_memory_bytes", "B"},
    {"free_bytes_after_weights", "B"},
    {"free_bytes_after_pool", "B"},
    {"max_over_mean_load", "ratio"},
    {"max_over_mean_load_avg_over_layers", "ratio"},
    {"max_over_mean_load_worst_layer", "ratio"},
    {"min_over_mean_load", "ratio"},
    {"cv_load", "stddev/mean"},
};

}  // namespace

std::span<const TruthColumn> truth_columns(Topic topic) {
  switch (topic) {
    case Topic::kServing:
      return kServing;
    case Topic::kEnergy:
      return kEnergy;
    case Topic::kMemory:
      return kMemory;
    case Topic::kKernels:
      return kKernels;
    case Topic::kCollectives:
      return kCollectives;
    case Topic::kRouting:
      return kRouting;
    case Topic::kTraining:
      return kTraining;
  }
  return {};
}

std::string_view unit_of_metric(std::string_view metric) {
  const auto found = std::find_if(std::begin(kUnits), std::end(kUnits),
                                  [&](const auto& entry) { return entry.first == metric; });
  return found == std::end(kUnits) ? std::string_view() : found->second;
}

}  // namespace moesim
