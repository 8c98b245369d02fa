// How far predictions are from published values. Source: docs/physics.md, "Measured rows".
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scenarios/validate/plan/measurement.h"

namespace moesim {

// Errors are (predicted - published) / published.
struct ErrorScore {
  std::int64_t rows = 0;
  double median = 0;       // Of the absolute errors.
  double by_series = 0;    // Median over series of their medians; each series counts once.
  double p90 = 0;          // Of the absolute errors.
  double bias = 0;         // Median of the signed errors.
  std::int64_t right = 0;  // kRightOrWrong: rows that are right. The other fields stay 0.
  // Share of the rows whose published value lies within P10 to P90 of the Monte Carlo samples;
  // absent without samples.
  std::optional<double> covered;
};

// The rows of one topic, metric and kind.
struct MetricScore {
  Topic topic = Topic::kServing;
  std::string name;  // "ttft_s", "offline_max output_tokens_per_s".
  ScoreKind score = ScoreKind::kRelativeError;
  ErrorScore all;
  std::map<std::string, ErrorScore> by_kind_of_model;  // "MoE", "dense"; empty without models.
  std::map<std::string, ErrorScore> by_hardware, by_model;
  std::int64_t left_out = 0;                    // Suspect rows.
  std::map<std::string, std::int64_t> skipped;  // Reason -> rows.
  std::optional<double> order;  // Mean Kendall tau over series of at least three different values.
  std::int64_t ordered_series = 0;
  std::int64_t pairs = 0, right_pairs = 0;  // Layout pairs that differ by more than 3 %.

  std::int64_t skipped_rows() const;
};

// In the order in which topics and metrics first appear.
std::vector<MetricScore> score(std::span<const Measurement> measurements);

// Series of at least two scored rows, the worst median first.
struct SeriesScore {
  Topic topic = Topic::kServing;
  std::string metric, series;
  ErrorScore errors;
};
std::vector<SeriesScore> worst_series(std::span<const Measurement> measurements, std::size_t most);

// Kendall's tau: (pairs in the same order - pairs in opposite order) / pairs that differ in
// `published`; ties in `predicted` count as neither. Nothing if no pair differs.
std::optional<double> kendall_tau(std::span<const double> published,
                                  std::span<const double> predicted);

}  // namespace moesim
