#include "reports/analysis/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "reports/render/format.h"
#include "reports/render/text_table.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

enum Part {
  kCompute,
  kHbm,
  kNetwork,
  kLaunches,
  kImbalance,
  kBatchFill,
  kQueueing,
  kRoom,
  kIdle,
  kUnallocated,
  kPrice,
  kNumParts
};

struct PartName {
  std::string_view name, meaning;
};
constexpr std::array<PartName, kNumParts> kNames = {{
    {"compute", "Device time in arithmetic."},
    {"HBM", "Device time bound by memory bandwidth, at the same batch."},
    {"network", "Device time in collectives and transfers."},
    {"launches", "Device time in launches and host work, at the same batch."},
    {"imbalance", "Device time waiting for peers with more tokens or a fuller batch."},
    {"unfilled batches",
     "What a step pays once, over fewer sequences a device, with room left in the KV pool: traffic "
     "or the engine's limits do not fill the batch."},
    {"queueing", "Waiting of requests until a batch admits them, with room left in the KV pool."},
    {"memory room",
     "Batches and waiting that a full KV pool limits; work redone after preemption."},
    {"idle", "Device time with a rank but nothing to do."},
    {"unallocated", "Device time of the cluster that no rank uses."},
    {"price", "What a device-second costs."},
}};

constexpr double kNoise = 1e-9;  // Of the figures compared: rounding, no difference.

using Parts = std::array<double, kNumParts>;

double value(const CaseReport& report, std::string_view key) {
  return metric(report, key).value_or(0);
}

// A case as the derivation sees it; times in device-seconds per output token.
struct View {
  explicit View(const CaseReport& report) {
    const double tokens = value(report, "output_tokens");
    const auto time = [&](const char* key) { return value(report, key) / tokens; };
    const double again = value(report, "recomputed_tokens");
    redone = again / (again + value(report, "input_tokens") + tokens);
    compute = time("time_compute_s");
    hbm = time("time_memory_s");
    network = time("time_communication_s");
    launches = time("time_overhead_s");
    imbalance = time("time_imbalance_wait_s");
    idle = time("time_idle_s");
    unallocated = time("time_unallocated_s");
    const double weights = value(report, "weights_read_per_output_token_bytes");
    const double kv = value(report, "kv_read_per_output_token_bytes");
    weights_share = weights > 0 ? weights / (weights + kv) : 0;
    const double devices = value(report, "devices_with_rank");
    const double sequences = value(report, "mean_batch") * value(report, "replicas");
    batch = devices > 0 ? sequences / devices : 0;
    pool_full = value(report, "kv_peak_share") >= 0.95 || value(report, "preemptions") > 0;
  }

  double busy() const { return compute + hbm + network + launches; }
  double total() const { return busy() + imbalance + idle + unallocated; }

  double compute = 0, hbm = 0, network = 0, launches = 0, imbalance = 0, idle = 0, unallocated = 0;
  double redone = 0;         // Share of busy time.
  double weights_share = 0;  // Of HBM time.
  double batch = 0;          // Sequences per device.
  bool pool_full = false;
};

// What is paid once per step, t per token at batch n: the difference at the same batch, and the
// batch's own.
struct StepSplit {
  double same_batch = 0, batch = 0;
};
StepSplit split_step(double ta, double na, double tb, double nb) {
  if (!(na > 0) || !(nb > 0)) return {tb - ta, 0};
  const double sa = ta * na, sb = tb * nb;
  return {(sb - sa) * (1 / na + 1 / nb) / 2, (sa + sb) / 2 * (1 / nb - 1 / na)};
}

// Differences of device-seconds per output token.
Parts time_differences(const View& a, const View& b) {
  Parts parts{};
  const double keep_a = 1 - a.redone, keep_b = 1 - b.redone;
  parts[kCompute] = b.compute * keep_b - a.compute * keep_a;
  parts[kNetwork] = b.network * keep_b - a.network * keep_a;
  parts[kImbalance] = b.imbalance - a.imbalance;
  parts[kIdle] = b.idle - a.idle;
  parts[kUnallocated] = b.unallocated - a.unallocated;
  parts[kRoom] = b.busy() * b.redone - a.busy() * a.redone;
  const double hbm_a = a.hbm * keep_a, hbm_b = b.hbm * keep_b;
  const StepSplit weights =
      split_step(hbm_a * a.weights_share, a.batch, hbm_b * b.weights_share, b.batch);
  const StepSplit launches = split_step(a.launches * keep_a, a.batch, b.launches * keep_b, b.batch);
  parts[kHbm] = weights.same_batch + hbm_b * (1 - b.weights_share) - hbm_a * (1 - a.weights_share);
  parts[kLaunches] = launches.same_batch;
  const View& smaller = a.batch < b.batch ? a : b;
  parts[smaller.pool_full ? kRoom : kBatchFill] += weights.batch + launches.batch;
  return parts;
}

double noise(double a, double b) {
  return kNoise * std::max(std::abs(a), std::abs(b));
}

// What rounding leaves of two figures is no part of their difference.
std::vector<DifferencePart> named(const Parts& parts, double a, double b) {
  std::vector<DifferencePart> list;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double difference = std::abs(parts[i]) <= noise(a, b) ? 0 : parts[i];
    list.push_back({kNames[i].name, kNames[i].meaning, difference});
  }
  return list;
}

// Seconds of a request per output token, by part.
Parts request_time(const CaseReport& report, double& total) {
  const View view(report);
  const double completed = value(report, "requests_completed");
  const double answer = value(report, "output_tokens") / completed;
  total = value(report, "e2e_mean_s") / answer;
  const double arrived = value(report, "requests_arrived");
  const double waiting =
      arrived > 0 ? value(report, "requests_waiting_mean") * value(report, "horizon_s") / arrived
                  : 0;
  const double waited = std::min(total, waiting / answer);
  Parts parts{};
  parts[view.pool_full ? kRoom : kQueueing] = waited;
  const double inside = view.busy() + view.imbalance;
  if (!(inside > 0)) {
    parts[kIdle] = total - waited;
    return parts;
  }
  const double each = (total - waited) / inside;
  parts[kCompute] = each * view.compute;
  parts[kHbm] = each * view.hbm;
  parts[kNetwork] = each * view.network;
  parts[kLaunches] = each * view.launches;
  parts[kImbalance] = each * view.imbalance;
  return parts;
}

std::string in_a_sentence(std::string_view meaning) {
  std::string text(meaning);
  text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

std::string amount(double difference, const std::string& unit) {
  const std::string text = readable(std::abs(difference), unit);
  return (difference < 0 ? "-" : "+") + text;
}

bool differ(const Explanation& explanation) {
  const double whole = explanation.b - explanation.a;
  return std::abs(whole) > noise(explanation.a, explanation.b);
}

std::string explanation_sentence(const std::string& a, const std::string& b,
                                 const Explanation& explanation) {
  const double whole = explanation.b - explanation.a;
  const std::string figures = fmt::format("{}: {} for {}, {} for {}", explanation.quantity,
                                          readable(explanation.a, explanation.unit), printable(a),
                                          readable(explanation.b, explanation.unit), printable(b));
  const bool cancel = std::ranges::any_of(
      explanation.parts, [](const DifferencePart& part) { return part.difference != 0; });
  if (!differ(explanation))
    return figures + (cancel ? ": its parts cancel out." : ": there is no difference.");
  return fmt::format("{}, {} ({:+.1f} %). The largest part in that direction is {}: {}", figures,
                     amount(whole, explanation.unit),
                     explanation.a > 0 ? 100 * whole / explanation.a : 0,
                     main_part(explanation).name, in_a_sentence(main_part(explanation).meaning));
}

}  // namespace

bool can_explain(const CaseReport& a, const CaseReport& b) {
  return std::ranges::all_of(std::array{&a, &b}, [](const CaseReport* one) {
    return one->status == CaseStatus::kDone && value(*one, "output_tokens") > 0 &&
           value(*one, "requests_completed") > 0;
  });
}

Explanation explain_cost(const CaseReport& a, const CaseReport& b) {
  constexpr const char* kCost = "cost_per_million_output_tokens_usd";
  const View va(a), vb(b);
  const bool priced = metric(a, kCost) && metric(b, kCost);
  constexpr double kMillion = 1e6;
  const double pa = priced ? value(a, kCost) / va.total() : kMillion;
  const double pb = priced ? value(b, kCost) / vb.total() : kMillion;
  Parts parts = time_differences(va, vb);
  for (double& part : parts) part *= (pa + pb) / 2;
  parts[kPrice] = (pb - pa) * (va.total() + vb.total()) / 2;
  return {priced ? "cost per million output tokens" : "device time per million output tokens",
          priced ? "USD" : "s", pa * va.total(), pb * vb.total(),
          named(parts, pa * va.total(), pb * vb.total())};
}

Explanation explain_time(const CaseReport& a, const CaseReport& b) {
  Explanation explanation{"time per output token", "s", 0, 0, {}};
  const Parts of_a = request_time(a, explanation.a);
  Parts parts = request_time(b, explanation.b);
  for (std::size_t i = 0; i < parts.size(); ++i) parts[i] -= of_a[i];
  explanation.parts = named(parts, explanation.a, explanation.b);
  return explanation;
}

const DifferencePart& main_part(const Explanation& explanation) {
  const double sign = explanation.b < explanation.a ? -1 : 1;
  return *std::ranges::max_element(
      explanation.parts, {}, [sign](const DifferencePart& part) { return sign * part.difference; });
}

std::string explanation_text(const std::string& a, const std::string& b,
                             const Explanation& explanation, int width) {
  const double whole = explanation.b - explanation.a;
  TextTable table;
  table.header = {explanation.quantity, "difference", "share"};
  for (const DifferencePart& part : explanation.parts) {
    if (part.difference == 0) continue;
    table.rows.push_back(
        {std::string(part.name), amount(part.difference, explanation.unit),
         differ(explanation) ? fmt::format("{:.1f} %", 100 * part.difference / whole) : "-"});
  }
  const bool has_parts = !table.rows.empty();
  table.rows.push_back({"sum", amount(whole, explanation.unit), ""});
  std::string text;
  for (const std::string& line : wrapped(explanation_sentence(a, b, explanation), width))
    text += line + "\n";
  return text + (has_parts ? render(table, width) : "");
}

nlohmann::ordered_json explanation_json(const Explanation& explanation) {
  nlohmann::ordered_json parts = nlohmann::ordered_json::object();
  for (const DifferencePart& part : explanation.parts)
    parts[std::string(part.name)] = part.difference;
  return {{"quantity", explanation.quantity},
          {"unit", explanation.unit},
          {"a", explanation.a},
          {"b", explanation.b},
          {"difference", explanation.b - explanation.a},
          {"parts", parts}};
}

}  // namespace moesim
