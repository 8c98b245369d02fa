#include "reports/analysis/baselines.h"

#include <fmt/format.h>

#include <array>

#include "reports/render/format.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// Time, memory, energy, money.
constexpr std::array<std::string_view, 6> kImbalanceKeys = {"tpot_p50_s",
                                                            "ttft_p50_s",
                                                            "output_tokens_per_s",
                                                            "memory_peak_bytes",
                                                            "energy_per_output_token_j",
                                                            "cost_per_million_output_tokens_usd"};

// By how much imbalance changes a metric, over its balanced value.
std::optional<double> imbalance_effect(const CaseReport& one, std::string_view key) {
  const CaseReport* balanced = balanced_twin(one);
  return balanced ? relative_difference(*balanced, one, key) : std::nullopt;
}

}  // namespace

const std::vector<std::string_view>& baseline_keys() {
  static const std::vector<std::string_view> kKeys = {"ttft_p50_s",
                                                      "ttft_p99_s",
                                                      "tpot_p50_s",
                                                      "tpot_p99_s",
                                                      "output_tokens_per_s",
                                                      "memory_peak_bytes",
                                                      "energy_per_output_token_j",
                                                      "cost_per_million_output_tokens_usd",
                                                      "imbalance_wait_share_of_busy_time",
                                                      "decode_experts_hit"};
  return kKeys;
}

std::optional<double> relative_difference(const CaseReport& one, const CaseReport& baseline,
                                          std::string_view key) {
  const std::optional<double> own = metric(one, key), other = metric(baseline, key);
  if (!own || !other || *own == 0 || metric_named(key).unit == "share") return std::nullopt;
  return *other / *own - 1;
}

std::string baseline_title(const CaseReport& one, const CaseReport& baseline) {
  const std::size_t start = one.name.size() + 2;  // After " (".
  if (baseline.name.size() <= start) return baseline.name;
  return baseline.name.substr(start, baseline.name.size() - start - 1);
}

const CaseReport* balanced_twin(const CaseReport& one) {
  for (const CaseReport& twin : one.baselines) {
    if (twin.status == CaseStatus::kDone && baseline_title(one, twin) == "balanced routing")
      return &twin;
  }
  return nullptr;
}

std::string imbalance_sentence(const CaseReport& one) {
  std::string list;
  for (const std::string_view key : kImbalanceKeys) {
    const std::optional<double> effect = imbalance_effect(one, key);
    if (!effect) continue;
    list += fmt::format("{}{} {:+.1f} %", list.empty() ? "" : ", ", metric_named(key).label,
                        100 * *effect);
  }
  if (list.empty()) return "";
  return fmt::format("What imbalance costs {}, against balanced routing: {}.", printable(one.name),
                     list);
}

Json imbalance_json(const CaseReport& one) {
  const CaseReport* balanced = balanced_twin(one);
  if (balanced == nullptr) return nullptr;
  Json json = Json::object();
  for (const std::string_view key : kImbalanceKeys) {
    const std::optional<double> effect = imbalance_effect(one, key);
    if (!effect) continue;
    json[std::string(key)] = {{"value", *metric(one, key)},
                              {"balanced", *metric(*balanced, key)},
                              {"change_share", *effect}};
  }
  return json;
}

}  // namespace moesim
