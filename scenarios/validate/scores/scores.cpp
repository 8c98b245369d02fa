#include "scenarios/validate/scores/scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/percentile.h"
#include "reports/analysis/uncertainty.h"

namespace moesim {
namespace {

using Rows = std::vector<const Measurement*>;

// Layouts that differ by less are a tie; repeats of one measurement differ as much.
constexpr double kTie = 0.03;
constexpr std::size_t kLeastOrdered = 3;

double error_of(const Measurement& m) {
  return (m.predicted - m.value) / m.value;
}

bool is_scored(const Measurement& m) {
  if (m.left_out || !m.skipped.empty()) return false;
  return m.score == ScoreKind::kRightOrWrong || m.value > 0;
}

std::map<std::string, Rows> grouped(const Rows& rows, std::string Measurement::*by) {
  std::map<std::string, Rows> groups;
  for (const Measurement* m : rows) groups[m->*by].push_back(m);
  return groups;
}

std::vector<double> absolute_errors(const Rows& rows) {
  std::vector<double> errors;
  for (const Measurement* m : rows) errors.push_back(std::abs(error_of(*m)));
  return errors;
}

std::optional<double> covered_share(const Rows& rows) {
  double with_interval = 0, inside = 0;
  for (const Measurement* m : rows) {
    const auto range = interval_of(m->samples, m->predicted);
    if (!range) continue;
    ++with_interval;
    if (range->low <= m->value && m->value <= range->high) ++inside;
  }
  if (with_interval == 0) return std::nullopt;
  return inside / with_interval;
}

ErrorScore errors_of(const Rows& rows) {
  ErrorScore score;
  score.rows = std::ssize(rows);
  if (rows.empty()) return score;
  if (rows.front()->score == ScoreKind::kRightOrWrong) {
    score.right = std::count_if(rows.begin(), rows.end(), [](const Measurement* m) {
      return std::lround(m->predicted) == std::lround(m->value);
    });
    return score;
  }
  std::vector<double> sizes = absolute_errors(rows), errors, medians;
  for (const Measurement* m : rows) errors.push_back(error_of(*m));
  for (const auto& [name, series] : grouped(rows, &Measurement::series)) {
    medians.push_back(median(absolute_errors(series)));
  }
  score.median = median(sizes);
  score.by_series = median(medians);
  score.bias = median(errors);
  std::ranges::sort(sizes);
  score.covered = covered_share(rows);
  score.p90 = percentile(sizes, 90);
  return score;
}

std::map<std::string, ErrorScore> errors_by(const Rows& rows, std::string Measurement::*by) {
  std::map<std::string, ErrorScore> scores;
  for (const auto& [name, group] : grouped(rows, by)) {
    if (!name.empty()) scores[name] = errors_of(group);
  }
  return scores;
}

std::map<std::string, ErrorScore> errors_by_kind_of_model(const Rows& rows) {
  Rows moe, dense;
  for (const Measurement* m : rows) {
    if (m->is_moe) (*m->is_moe ? moe : dense).push_back(m);
  }
  std::map<std::string, ErrorScore> scores;
  if (!moe.empty()) scores["MoE"] = errors_of(moe);
  if (!dense.empty()) scores["dense"] = errors_of(dense);
  return scores;
}

void score_order(const Rows& rows, MetricScore& score) {
  double sum = 0;
  for (const auto& [name, series] : grouped(rows, &Measurement::series)) {
    if (series.size() < kLeastOrdered) continue;
    std::vector<double> published, predicted;
    for (const Measurement* m : series) {
      published.push_back(m->value);
      predicted.push_back(m->predicted);
    }
    const auto tau = kendall_tau(published, predicted);
    if (!tau) continue;
    sum += *tau;
    ++score.ordered_series;
  }
  if (score.ordered_series > 0) score.order = sum / static_cast<double>(score.ordered_series);
}

// For every pair of rows that differ in layout (series) at equal load: is the better one predicted?
void score_pairs(const Rows& rows, MetricScore& score) {
  for (const auto& [load, same] : grouped(rows, &Measurement::load)) {
    if (load.empty()) continue;
    for (std::size_t i = 0; i < same.size(); ++i) {
      for (std::size_t j = i + 1; j < same.size(); ++j) {
        const Measurement &a = *same[i], &b = *same[j];
        if (a.series == b.series || std::abs(a.value / b.value - 1) <= kTie) continue;
        ++score.pairs;
        if ((a.value < b.value) == (a.predicted < b.predicted)) ++score.right_pairs;
      }
    }
  }
}

MetricScore score_metric(const Rows& rows) {
  MetricScore score;
  const Measurement& first = *rows.front();
  score.topic = first.topic;
  score.name = first.kind.empty() ? first.metric : first.kind + " " + first.metric;
  score.score = first.score;
  Rows scored;
  for (const Measurement* m : rows) {
    if (m->left_out) {
      ++score.left_out;
    } else if (!m->skipped.empty()) {
      ++score.skipped[m->skipped];
    } else if (is_scored(*m)) {
      scored.push_back(m);
    } else {
      ++score.skipped["published value is zero"];
    }
  }
  score.all = errors_of(scored);
  score.by_kind_of_model = errors_by_kind_of_model(scored);
  score.by_hardware = errors_by(scored, &Measurement::hardware);
  score.by_model = errors_by(scored, &Measurement::model);
  if (score.score == ScoreKind::kRelativeError) score_order(scored, score);
  score_pairs(scored, score);
  return score;
}

}  // namespace

std::int64_t MetricScore::skipped_rows() const {
  return std::accumulate(skipped.begin(), skipped.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& entry) { return sum + entry.second; });
}

std::vector<MetricScore> score(std::span<const Measurement> measurements) {
  std::vector<std::string> order;
  std::map<std::string, Rows> metrics;
  for (const Measurement& m : measurements) {
    const std::string name = std::string(topic_name(m.topic)) + "\n" + m.kind + "\n" + m.metric;
    Rows& rows = metrics[name];
    if (rows.empty()) order.push_back(name);
    rows.push_back(&m);
  }
  std::vector<MetricScore> scores;
  for (const std::string& name : order) scores.push_back(score_metric(metrics[name]));
  return scores;
}

std::vector<SeriesScore> worst_series(std::span<const Measurement> measurements, std::size_t most) {
  std::map<std::string, Rows> groups;
  for (const Measurement& m : measurements) {
    if (!is_scored(m) || m.score == ScoreKind::kRightOrWrong || m.series.empty()) continue;
    groups[std::string(topic_name(m.topic)) + "\n" + m.kind + "\n" + m.metric + "\n" + m.series]
        .push_back(&m);
  }
  std::vector<SeriesScore> all;
  for (const auto& [name, rows] : groups) {
    if (rows.size() < 2) continue;
    all.push_back(
        {rows.front()->topic, rows.front()->metric, rows.front()->series, errors_of(rows)});
  }
  std::stable_sort(all.begin(), all.end(), [](const SeriesScore& a, const SeriesScore& b) {
    return a.errors.median > b.errors.median;
  });
  all.resize(std::min(all.size(), most));
  return all;
}

std::optional<double> kendall_tau(std::span<const double> published,
                                  std::span<const double> predicted) {
  std::int64_t pairs = 0, balance = 0;
  const auto sign = [](double a, double b) { return (a < b) - (b < a); };
  for (std::size_t i = 0; i < published.size(); ++i) {
    for (std::size_t j = i + 1; j < published.size(); ++j) {
      const int truth = sign(published[i], published[j]);
      if (truth == 0) continue;
      ++pairs;
      balance += truth * sign(predicted[i], predicted[j]);
    }
  }
  if (pairs == 0) return std::nullopt;
  return static_cast<double>(balance) / static_cast<double>(pairs);
}

}  // namespace moesim
