// How sure a figure is: its spread over samples of everything uncertain, what it rests on, and
// whether the order of two cases survives the samples.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/results/case_report.h"

namespace moesim {

// Metrics that carry an interval wherever people read them.
const std::vector<Metric>& headline_metrics();
bool is_headline(Metric key);

struct Interval {
  double low = 0;
  double high = 0;
};

// P10 to P90 of samples and the stated value, wide enough to hold the stated value. Nothing with
// fewer than five samples.
std::optional<Interval> interval_of(std::vector<double> samples, double stated);

// The same of a metric over the case's samples that ran.
std::optional<Interval> interval(const CaseReport& report, Metric key);

// Two cases over the same samples: in how many the one behind is ahead.
struct Contest {
  int samples = 0;
  int turned = 0;
  // The order is no more certain than P90.
  bool is_tie() const { return 10 * turned > samples; }
};
// Less is better. Requires: `ahead` has the smaller stated value.
Contest contest(const CaseReport& ahead, const CaseReport& behind, Metric key);

// How many of the samples met the SLO.
struct SloSamples {
  int met = 0;
  int samples = 0;
};
// Nothing without limits or samples, or where every sample agrees with the stated result.
std::optional<SloSamples> slo_samples(const CaseReport& report);

// How many numbers of the profiles a headline metric rests on, by confidence, most first; only
// those that enter it: prices enter costs, power enters energy, everything timed enters both.
// Requires: one of headline_metrics().
std::vector<std::pair<std::string, int>> rests_on(const CaseReport& report, Metric key);

// What the samples of a report vary.
struct SampleSet {
  std::size_t samples = 0;                             // Of the case that has most; 0 = none.
  std::vector<std::pair<std::string, int>> uncertain;  // Numbers by confidence, most first.
};
SampleSet sample_set(const std::vector<CaseReport>& cases);

}  // namespace moesim
