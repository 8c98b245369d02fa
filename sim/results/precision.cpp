#include "sim/results/precision.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/percentile.h"

namespace moesim {

namespace {

constexpr std::size_t kSections = 10;
constexpr double kStudent = 2.262;
constexpr std::size_t kLeastValues = 10 * kSections;

using Figures = std::array<double, kSections>;

std::optional<Estimate> estimate(const Figures& figures, double whole) {
  if (!(whole > 0)) return std::nullopt;
  double squares = 0;
  for (const double figure : figures) squares += (figure - whole) * (figure - whole);
  return Estimate{whole, kStudent * std::sqrt(squares / (kSections - 1) / kSections) / whole};
}

double percentile_of(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  return percentile(values, percent);
}

// Tokens so far at a moment, linear between points. Requires: points before and after it.
double tokens_at(const std::vector<QueuePoint>& queue, Seconds time) {
  const auto after = std::ranges::lower_bound(queue, time, {}, &QueuePoint::time);
  if (after == queue.begin()) return static_cast<double>(queue.front().output_tokens);
  if (after == queue.end()) return static_cast<double>(queue.back().output_tokens);
  const QueuePoint& before = *(after - 1);
  const double share = (time - before.time) / (after->time - before.time);
  const auto tokens = static_cast<double>(after->output_tokens - before.output_tokens);
  return static_cast<double>(before.output_tokens) + share * tokens;
}

}  // namespace

std::optional<Estimate> percentile_estimate(const std::vector<double>& values, double percent) {
  if (values.size() < kLeastValues) return std::nullopt;
  Figures figures{};
  for (std::size_t s = 0; s < kSections; ++s) {
    const auto at = [&](std::size_t section) {
      return values.begin() + static_cast<std::ptrdiff_t>(section * values.size() / kSections);
    };
    figures[s] = percentile_of({at(s), at(s + 1)}, percent);
  }
  return estimate(figures, percentile_of(values, percent));
}

std::optional<Estimate> token_rate_estimate(const std::vector<QueuePoint>& queue, Seconds from,
                                            Seconds to) {
  const auto inside = std::ranges::count_if(
      queue, [&](const QueuePoint& point) { return point.time >= from && point.time <= to; });
  if (static_cast<std::size_t>(inside) < kLeastValues) return std::nullopt;
  Figures figures{};
  const auto at = [&](std::size_t section) {
    return tokens_at(queue, from + (to - from) * (static_cast<double>(section) / kSections));
  };
  const double seconds = (to - from).value() / kSections;
  for (std::size_t s = 0; s < kSections; ++s) figures[s] = (at(s + 1) - at(s)) / seconds;
  return estimate(figures, (at(kSections) - at(0)) / kSections / seconds);
}

RunPrecision precision_of(const Records& records, const std::vector<QueuePoint>& queue,
                          Seconds from, Seconds to, std::int64_t in_flight, std::int64_t came) {
  RunPrecision reached;
  reached.token_rate = token_rate_estimate(queue, from, to);
  reached.ttft_p99 = percentile_estimate(records.ttft_s, 99);
  reached.tpot_p99 = percentile_estimate(records.tpot_s, 99);
  if (came > 0) reached.unfinished = static_cast<double>(in_flight) / static_cast<double>(came);
  if (records.e2e_s.empty()) return reached;
  reached.end_to_ends = (to - from).value() / percentile_of(records.e2e_s, 99);
  return reached;
}

bool is_precise(const Precision& wanted, const Estimate& figure,
                const std::optional<Seconds>& limit) {
  if (figure.half_width <= wanted.half_width) return true;
  if (!limit || figure.half_width > wanted.half_width_off_limit) return false;
  return std::abs(figure.value - limit->value()) > figure.half_width * figure.value;
}

bool is_reached(const Precision& wanted, const RunPrecision& reached, const ServiceLevel& slo) {
  const auto is_fine = [&](const std::optional<Seconds>& limit,
                           const std::optional<Estimate>& figure) {
    return !limit || (figure && is_precise(wanted, *figure, limit));
  };
  return reached.token_rate && is_precise(wanted, *reached.token_rate, {}) &&
         is_fine(slo.ttft_p99, reached.ttft_p99) && is_fine(slo.tpot_p99, reached.tpot_p99) &&
         reached.unfinished <= wanted.unfinished && reached.end_to_ends >= wanted.end_to_ends;
}

}  // namespace moesim
