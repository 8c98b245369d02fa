#include "scenarios/validate/scores/score_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/validate/scores/scores.h"

namespace moesim {
namespace {

constexpr std::size_t kNameWidth = 36;
constexpr std::size_t kWorst = 10;
constexpr std::size_t kSeriesWidth = 56;
constexpr double kMarkedRatio =
    2;  // A group with a median above this multiple of the whole is marked.
constexpr std::int64_t kLeastRows = 10;  // Metrics with fewer rows have no groups.

std::string line(const std::string& name, const ErrorScore& e, ScoreKind kind,
                 const std::string& tail) {
  if (kind == ScoreKind::kRightOrWrong) {
    const std::string right = fmt::format("{} right", e.right);
    return fmt::format("{:<{}} {:>5} {:>31}{}\n", name, kNameWidth, e.rows, right, tail);
  }
  return fmt::format("{:<{}} {:>5} {:>7.1f} {:>7.1f} {:>7.1f} {:>+7.1f}{}\n", name, kNameWidth,
                     e.rows, 100 * e.median, 100 * e.by_series, 100 * e.p90, 100 * e.bias, tail);
}

std::string heading(const std::string& title) {
  return fmt::format("\n{:<{}} {:>5} {:>7} {:>7} {:>7} {:>7}", title, kNameWidth, "rows", "median",
                     "series", "P90", "bias");
}

std::string capital(std::string_view word) {
  std::string out(word);
  if (!out.empty() && out.front() >= 'a') out.front() = static_cast<char>(out.front() - 'a' + 'A');
  return out;
}

std::string tail_of(const MetricScore& s) {
  const std::string order = s.order ? fmt::format("{:.2f}", *s.order) : "";
  const std::string covered = s.all.covered ? fmt::format(" {:>6.0f} %", 100 * *s.all.covered) : "";
  return fmt::format(" {:>6} {:>7} {:>7}{}", order, s.skipped_rows(), s.left_out, covered);
}

std::string pairs_text(const MetricScore& s) {
  if (s.pairs == 0) return "";
  return fmt::format("    the better of two layouts in {:.0f} % of {} pairs\n",
                     100 * static_cast<double>(s.right_pairs) / static_cast<double>(s.pairs),
                     s.pairs);
}

std::string metrics_text(const std::vector<MetricScore>& scores) {
  std::string out;
  const MetricScore* before = nullptr;
  for (const MetricScore& s : scores) {
    if (s.all.rows == 0) continue;
    if (before == nullptr || before->topic != s.topic) {
      out += heading(capital(topic_name(s.topic))) + fmt::format(" {:>6} {:>7} {:>7}{}\n", "order",
                                                                 "skipped", "suspect",
                                                                 s.all.covered ? "   inside" : "");
    }
    before = &s;
    out += line("  " + s.name, s.all, s.score, tail_of(s));
    for (const auto& [name, errors] : s.by_kind_of_model) {
      if (s.by_kind_of_model.size() > 1) out += line("    " + name, errors, s.score, "");
    }
    out += pairs_text(s);
  }
  return out;
}

std::string groups_text(const std::vector<MetricScore>& scores, const std::string& title,
                        std::map<std::string, ErrorScore> MetricScore::*by) {
  std::string out;
  for (const MetricScore& s : scores) {
    const auto& groups = s.*by;
    if (groups.size() < 2 || s.all.rows < kLeastRows || s.score == ScoreKind::kRightOrWrong) {
      continue;
    }
    out += fmt::format("  {} {}\n", topic_name(s.topic), s.name);
    for (const auto& [name, errors] : groups) {
      const bool worse = errors.median > kMarkedRatio * s.all.median && errors.rows > 1;
      out += line("    " + name, errors, s.score, worse ? "  above twice the whole" : "");
    }
  }
  return out.empty() ? "" : heading(title) + "\n" + out;
}

std::string worst_text(const ValidationPlan& plan) {
  const auto worst = worst_series(plan.measurements(), kWorst);
  if (worst.empty()) return "";
  std::string out = "\nWorst series                rows  median    bias\n";
  for (const SeriesScore& s : worst) {
    out += fmt::format("  {:<24} {:>5} {:>7.1f} {:>+7.1f}  {}\n",
                       fmt::format("{} {}", topic_name(s.topic), s.metric).substr(0, 24),
                       s.errors.rows, 100 * s.errors.median, 100 * s.errors.bias,
                       s.series.substr(0, kSeriesWidth));
  }
  return out;
}

std::string skipped_text(const std::vector<MetricScore>& scores) {
  std::map<std::string, std::int64_t> reasons;
  for (const MetricScore& s : scores) {
    for (const auto& [reason, rows] : s.skipped) {
      reasons[std::string(topic_name(s.topic)) + ": " + reason] += rows;
    }
  }
  std::string out = reasons.empty() ? "" : "\nSkipped\n";
  for (const auto& [reason, rows] : reasons) out += fmt::format("  {:>6}  {}\n", rows, reason);
  return out;
}

std::string readings_text(const Readings& readings) {
  std::string out = readings.empty() ? "" : "\nRead into the tables, because they do not say\n";
  for (const auto& [reading, rows] : readings) out += fmt::format("  {:>6}  {}\n", rows, reading);
  return out;
}

}  // namespace

std::string score_text(const ValidationPlan& plan) {
  const std::vector<MetricScore> scores = score(plan.measurements());
  return "Errors in %. median: of the absolute errors; series: the same, every series weighing "
         "alike; P90: 90th\npercentile; bias: median of the signed errors; order: Kendall's tau "
         "within a series; inside: published values within P10 to P90 of the samples.\n" +
         metrics_text(scores) + groups_text(scores, "By hardware", &MetricScore::by_hardware) +
         groups_text(scores, "By model", &MetricScore::by_model) + worst_text(plan) +
         skipped_text(scores) + readings_text(plan.readings());
}

}  // namespace moesim
