#include "reports/render/words/case_result.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "reports/analysis/ranking.h"
#include "reports/analysis/too_short.h"
#include "reports/analysis/uncertainty.h"
#include "reports/render/words/format.h"

namespace moesim {
namespace {

// In the order of Disqualification.
constexpr std::array<const char*, 11> kKinds = {"",
                                                "did not run",
                                                "failed",
                                                "cannot run",
                                                "completed no request",
                                                "generated no token",
                                                "rejects too many requests",
                                                "is saturated",
                                                "is measured too briefly",
                                                "misses its service level",
                                                "is not sure to keep its service level"};
static_assert(kKinds.size() == static_cast<std::size_t>(Disqualification::kUnsafe) + 1);

// "TTFT P99 3.20 s against a limit of 2.00 s".
std::string missed_limits(const CaseReport& report) {
  std::string text;
  for (const SloLimit& limit : slo_limits(report)) {
    if (!limit.is_missed()) continue;
    text += fmt::format("{}{} {} against a limit of {}", text.empty() ? "" : " and ",
                        metric_row(limit.metric).label, readable(*limit.reached, "s"),
                        readable(limit.limit, "s"));
  }
  return text;
}

// "rejects 8.3 % of its requests (1,612 of them are longer than its context)".
std::string rejections(const CaseReport& report) {
  const double context = metric(report, Metric::kRequestsRejectedContext).value_or(0);
  return fmt::format("rejects {:.1f} % of its requests ({})", 100 * rejected_share(report),
                     context > 0 ? readable(context, "count") + " are longer than its context"
                                 : "they can never fit its KV cache");
}

// Why the figures of a run are too uncertain, each in a clause.
std::vector<std::string> shortcomings(const CaseReport& report) {
  std::vector<std::string> clauses;
  for (const Shortcoming& one : shortcomings_of(report)) {
    const double value = one.value;
    switch (one.kind) {
      case Shortcoming::Kind::kNoSteadyState:
        clauses.emplace_back("its queue did not become steady");
        break;
      case Shortcoming::Kind::kUnfinished:
        clauses.push_back(
            fmt::format("{} of its requests had not ended", readable(value, "share")));
        break;
      case Shortcoming::Kind::kFewEndToEnds:
        clauses.push_back(fmt::format("it measures {:.1f} times the P99 of end-to-end", value));
        break;
      case Shortcoming::Kind::kUncertain:
        clauses.push_back(metric_row(one.metric).label +
                          (value > 0 ? " " + readable(value, "share") : " no figure at all"));
    }
  }
  return clauses;
}

std::string infeasibility(const CaseReport& report) {
  const std::string remedy = report.remedy.empty() ? "" : "; would fit: " + report.remedy;
  return printable(report.reason + remedy);
}

}  // namespace

std::string gaps_text(const CaseReport& report) {
  return fmt::format("{}", fmt::join(report.not_modelled, "; "));
}

std::string disqualification_text(const CaseReport& report) {
  const std::string kind = disqualification_kind(report);
  switch (disqualification(report)) {
    case Disqualification::kFailed:
      return kind + ": " + printable(report.reason);
    case Disqualification::kInfeasible:
      return kind + ": " + infeasibility(report);
    case Disqualification::kRejections:
      return rejections(report);
    case Disqualification::kSaturated:
      return kind + ": requests arrive faster than it serves them";
    case Disqualification::kTooShort:
      return fmt::format("{}: {}", kind, fmt::join(shortcomings(report), ", "));
    case Disqualification::kMissesSlo: {
      const std::string limits = missed_limits(report);
      return kind + (limits.empty() ? "" : ": " + limits);
    }
    case Disqualification::kUnsafe: {
      const auto slo = slo_samples(report);
      return fmt::format("{}: it does in {} of {} samples, and {:.0f} % are asked for", kind,
                         slo->met, slo->samples, 100 * report.confidence);
    }
    default:
      return kind;
  }
}

std::string disqualification_kind(const CaseReport& report) {
  return kKinds[static_cast<std::size_t>(disqualification(report))];
}

std::string limits_text(const CaseReport& report) {
  std::string text;
  for (const SloLimit& limit : slo_limits(report)) {
    text += fmt::format("{}{} at most {}", text.empty() ? "" : ", ", metric_row(limit.metric).label,
                        readable(limit.limit, "s"));
  }
  return text;
}

}  // namespace moesim
