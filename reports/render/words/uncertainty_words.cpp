#include "reports/render/words/uncertainty_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/analysis/uncertainty.h"
#include "reports/render/words/format.h"

namespace moesim {

std::string readable_interval(const CaseReport& report, Metric key) {
  const auto range = interval(report, key);
  if (!range) return "";
  const std::string& unit = metric_row(key).unit;
  std::string low = readable(range->low, unit);
  const std::string high = readable(range->high, unit);
  const std::size_t space = high.find(' ');
  if (space != std::string::npos && low.ends_with(high.substr(space))) {
    low.resize(low.size() - (high.size() - space));
  }
  return low + " to " + high;
}

std::string short_interval(const CaseReport& report, Metric key) {
  std::string range = readable_interval(report, key);
  const std::string stated = readable_metric(report, key);
  const std::string unit = stated.substr(std::min(stated.find(' '), stated.size()));
  const bool one_unit = range.find(' ') == range.find(" to ");
  if (one_unit && !unit.empty() && range.ends_with(unit)) range.resize(range.size() - unit.size());
  return range;
}

std::string sampling_sentence(const Report& report) {
  const SampleSet set = sample_set(report.cases);
  if (set.samples == 0) return "";
  std::string kinds;
  int uncertain = 0;
  for (const auto& [confidence, count] : set.uncertain) {
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count,
                         confidence == "assumption" ? "assumed" : confidence);
    uncertain += count;
  }
  return fmt::format(
      "P10 to P90 is over {} Monte Carlo samples of the {} uncertain numbers ({}) within their "
      "ranges and of the traffic; numbers of data sheets and prices are not varied.",
      set.samples, uncertain, kinds);
}

}  // namespace moesim
