#include "scenarios/validate/scores/accuracy_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/validate/scores/scores.h"

namespace moesim {
namespace {

constexpr std::size_t kWorstSeries = 20;
constexpr std::size_t kWorstRows = 25;
constexpr std::int64_t kLeastRows = 10;  // Fewer are not broken down.
constexpr double kRule = 2;  // A hardware or model above so many times the whole is marked.

constexpr const char* kHead =
    "# Accuracy\n\n"
    "Written by `./moesim validate TABLES --accuracy ACCURACY.md`. Errors are in per cent of the "
    "published value: the\n"
    "median of the absolute errors over rows and over series (so that long curves count once), "
    "their 90th percentile (P90),\n"
    "and the median of the signed errors (bias). Order is Kendall's tau within a series. Inside "
    "is the share of published\n"
    "values within the interval P10 to P90 of a report (with `--samples 10`).\n"
    "\n"
    "These are development figures: some constants were set on some of these rows, so expect "
    "larger errors on hardware,\n"
    "models and engine releases that are not listed.\n";

std::string share(const std::optional<double>& value) {
  return value ? fmt::format("{:.0f} %", 100 * *value) : "";
}

std::string cells(const ErrorScore& e) {
  return fmt::format("{} | {:.1f} | {:.1f} | {:.1f} | {:+.1f}", e.rows, 100 * e.median,
                     100 * e.by_series, 100 * e.p90, 100 * e.bias);
}

// A text of a table file inside a Markdown table.
std::string plain(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c == '|' || c < ' '; }, ' ');
  return text;
}

std::string topic_rows(const MetricScore& s) {
  if (s.score == ScoreKind::kRightOrWrong) {
    return fmt::format("| {} | {} | {} right | | | | | | {} |\n", s.name, s.all.rows, s.all.right,
                       s.skipped_rows());
  }
  std::string out = fmt::format("| {} | {} | {} | {} | {} |\n", s.name, cells(s.all),
                                s.order ? fmt::format("{:.2f}", *s.order) : "",
                                share(s.all.covered), s.skipped_rows());
  if (s.by_kind_of_model.size() > 1) {
    for (const auto& [name, errors] : s.by_kind_of_model) {
      out += fmt::format("| &nbsp;&nbsp;{} | {} | | {} | |\n", name, cells(errors),
                         share(errors.covered));
    }
  }
  return out;
}

std::string topics_text(const std::vector<MetricScore>& scores) {
  std::string out;
  std::optional<Topic> topic;
  for (const MetricScore& s : scores) {
    if (s.all.rows == 0) continue;
    if (topic != s.topic) {
      out += fmt::format(
          "\n## {}\n\n| metric | rows | median | series | P90 | bias | order | inside | skipped "
          "|\n|---|---|---|---|---|---|---|---|---|\n",
          topic_name(s.topic));
    }
    topic = s.topic;
    out += topic_rows(s);
  }
  return out;
}

std::string groups_text(const std::vector<MetricScore>& scores, const std::string& title,
                        std::map<std::string, ErrorScore> MetricScore::*by) {
  std::string out = fmt::format(
      "\n## {}\n\n| metric | | rows | median | series | P90 | bias | |\n|---|---|---|---|---|---|"
      "---|---|\n",
      title);
  for (const MetricScore& s : scores) {
    const auto& groups = s.*by;
    if (groups.size() < 2 || s.all.rows < kLeastRows || s.score == ScoreKind::kRightOrWrong) {
      continue;
    }
    for (const auto& [name, errors] : groups) {
      const bool worse = errors.median > kRule * s.all.median && errors.rows > 1;
      out += fmt::format("| {} {} | {} | {} | {} |\n", topic_name(s.topic), s.name, plain(name),
                         cells(errors), worse ? "above twice the whole" : "");
    }
  }
  return out;
}

std::string worst_series_text(const ValidationPlan& plan) {
  std::string out =
      "\n## Worst series\n\n| series | metric | rows | median | bias |\n"
      "|---|---|---|---|---|\n";
  for (const SeriesScore& s : worst_series(plan.measurements(), kWorstSeries)) {
    out += fmt::format("| {} | {} {} | {} | {:.0f} | {:+.0f} |\n", plain(s.series),
                       topic_name(s.topic), s.metric, s.errors.rows, 100 * s.errors.median,
                       100 * s.errors.bias);
  }
  return out;
}

double log_error(const Measurement& m) {
  return std::abs(std::log(m.predicted / m.value));
}

std::string worst_rows_text(const ValidationPlan& plan) {
  std::vector<const Measurement*> rows;
  for (const Measurement& m : plan.measurements()) {
    const bool scored = m.skipped.empty() && !m.left_out && m.value > 0 && m.predicted > 0;
    if (scored && m.score == ScoreKind::kRelativeError) rows.push_back(&m);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Measurement* a, const Measurement* b) {
    return log_error(*a) > log_error(*b);
  });
  rows.resize(std::min(rows.size(), kWorstRows));
  std::string out =
      "\n## Worst rows\n\nBy the ratio of predicted to published, either way.\n\n| id | metric | "
      "model | hardware | published | predicted | ratio |\n|---|---|---|---|---|---|---|\n";
  for (const Measurement* m : rows) {
    out += fmt::format("| {} | {} | {} | {} | {:.3g} {} | {:.3g} | {:.2f} |\n", plain(m->id),
                       m->metric, plain(m->model), plain(m->hardware), m->value, m->unit,
                       m->predicted, m->predicted / m->value);
  }
  return out;
}

std::string skipped_text(const std::vector<MetricScore>& scores) {
  std::map<std::string, std::int64_t> reasons;
  for (const MetricScore& s : scores) {
    for (const auto& [reason, rows] : s.skipped) {
      reasons[std::string(topic_name(s.topic)) + ": " + plain(reason)] += rows;
    }
  }
  std::string out = "\n## Not predicted\n\n| reason | rows |\n|---|---|\n";
  for (const auto& [reason, rows] : reasons) out += fmt::format("| {} | {} |\n", reason, rows);
  return out;
}

std::string readings_text(const Readings& readings) {
  std::string out =
      "\n## Read into the tables, because they do not say\n\n| reading | rows |\n|---|---|\n";
  for (const auto& [reading, rows] : readings) {
    out += fmt::format("| {} | {} |\n", plain(reading), rows);
  }
  return out;
}

}  // namespace

std::string accuracy_page(const ValidationPlan& plan) {
  const std::vector<MetricScore> scores = score(plan.measurements());
  return kHead + topics_text(scores) + kAccuracyNotes +
         groups_text(scores, "By hardware", &MetricScore::by_hardware) +
         groups_text(scores, "By model", &MetricScore::by_model) + worst_series_text(plan) +
         worst_rows_text(plan) + skipped_text(scores) + readings_text(plan.readings());
}

}  // namespace moesim
