#include "reports/analysis/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "reports/render/format.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

bool is_set(const CaseReport& report, std::string_view key) {
  return metric(report, key).value_or(0) > 0;
}

// "misses its service level: TTFT P99 3.20 s (limit 2.00 s)".
std::string missed_limits(const CaseReport& report) {
  std::string text;
  for (const char* which : {"ttft_p99_s", "tpot_p99_s"}) {
    const std::optional<double> limit = metric(report, std::string("slo_") + which);
    const std::optional<double> reached = metric(report, which);
    if (!limit || !reached || *reached <= *limit) continue;
    text += fmt::format("{}{} {} against a limit of {}", text.empty() ? "" : " and ",
                        metric_named(which).label, readable(*reached, "s"), readable(*limit, "s"));
  }
  return "misses its service level" + (text.empty() ? "" : ": " + text);
}

// A case that turns away more than this share of its requests does not serve the traffic asked for.
constexpr double kToleratedRejections = 0.01;

// "rejects 8.3 % of its requests (1,612 of them are longer than its context)"; empty if few.
std::string too_many_rejections(const CaseReport& report) {
  const double rejected = metric(report, "requests_rejected").value_or(0);
  const double share = rejected / std::max(1.0, metric(report, "requests_arrived").value_or(0));
  if (share <= kToleratedRejections) return "";
  const double context = metric(report, "requests_rejected_context").value_or(0);
  return fmt::format("rejects {:.1f} % of its requests ({})", 100 * share,
                     context > 0 ? readable(context, "count") + " are longer than its context"
                                 : "they can never fit its KV cache");
}

constexpr const char* kRejects = "rejects too many requests";

bool can_win(const CaseReport& report) {
  return disqualification(report).empty();
}

}  // namespace

std::string disqualification(const CaseReport& report) {
  if (report.status == CaseStatus::kSkipped) return "did not run";
  if (report.status == CaseStatus::kInfeasible) {
    const std::string remedy = report.remedy.empty() ? "" : "; would fit: " + report.remedy;
    return "cannot run: " + printable(report.reason + remedy);
  }
  if (!is_set(report, "requests_completed")) return "completed no request";
  if (!is_set(report, "output_tokens")) return "generated no token";
  if (const std::string rejections = too_many_rejections(report); !rejections.empty())
    return rejections;
  if (is_set(report, "saturated"))
    return "is saturated: requests arrive faster than it serves them";
  if (metric(report, "slo_met").value_or(1) == 0) return missed_limits(report);
  return "";
}

std::string disqualification_kind(const CaseReport& report) {
  const std::string why = disqualification(report);
  return why.starts_with("rejects") ? kRejects : why.substr(0, why.find(':'));
}

std::string limits_text(const CaseReport& report) {
  std::string text;
  for (const char* which : {"ttft_p99_s", "tpot_p99_s"}) {
    const std::optional<double> limit = metric(report, std::string("slo_") + which);
    if (!limit) continue;
    text += fmt::format("{}{} at most {}", text.empty() ? "" : ", ", metric_named(which).label,
                        readable(*limit, "s"));
  }
  return text;
}

std::string_view ranking_key(const std::vector<CaseReport>& cases) {
  const bool all_priced = std::all_of(cases.begin(), cases.end(), [](const CaseReport& one) {
    return !can_win(one) || metric(one, "cost_per_million_output_tokens_usd");
  });
  return all_priced ? "cost_per_million_output_tokens_usd" : "energy_per_output_token_j";
}

std::vector<std::size_t> ranking(const std::vector<CaseReport>& cases) {
  const std::string_view key = ranking_key(cases);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < cases.size(); ++i)
    if (can_win(cases[i])) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return metric(cases[a], key).value_or(0) < metric(cases[b], key).value_or(0);
  });
  return order;
}

WorkloadPoint workload_point(const CaseReport& report) {
  WorkloadPoint settings;
  std::ranges::copy_if(report.point, std::back_inserter(settings),
                       [](const auto& entry) { return entry.first.starts_with("workload."); });
  std::ranges::sort(settings);
  return settings;
}

std::vector<std::size_t> shown_cases(const std::vector<CaseReport>& cases, std::size_t most) {
  std::vector<std::size_t> shown(cases.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  if (cases.size() <= most) return shown;
  std::vector<std::size_t> order = ranking(cases);
  for (const std::size_t i : shown)
    if (!can_win(cases[i])) order.push_back(i);
  order.resize(most);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace moesim
