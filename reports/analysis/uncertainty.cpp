#include "reports/analysis/uncertainty.h"

#include <algorithm>

#include "base/percentile.h"
#include "reports/results/provenance.h"

namespace moesim {
namespace {

constexpr std::size_t kLeastSamples = 5;

// The samples of a metric that ran.
std::vector<double> sampled(const CaseReport& report, Metric key) {
  std::vector<double> values;
  for (const CaseMetrics& sample : report.samples) {
    if (const auto value = metric(sample, key)) values.push_back(*value);
  }
  return values;
}

using EntrySet = std::vector<Enters>;

// Headline metrics, and what enters them.
const std::vector<std::pair<Metric, EntrySet>>& headline_entries() {
  const EntrySet service = {Enters::kTime, Enters::kMemory};
  const EntrySet first_token = {Enters::kTime, Enters::kMemory, Enters::kFirstToken};
  const EntrySet energy = {Enters::kTime, Enters::kMemory, Enters::kEnergy};
  const EntrySet carbon = {Enters::kTime, Enters::kMemory, Enters::kEnergy, Enters::kCarbon};
  const EntrySet money = {Enters::kTime, Enters::kMemory, Enters::kEnergy, Enters::kMoney};
  static const std::vector<std::pair<Metric, EntrySet>> kEntries = {
      {Metric::kCostPerMillionOutputTokens, money},
      {Metric::kEnergyPerOutputToken, energy},
      {Metric::kCarbonPerMillionOutputTokens, carbon},
      {Metric::kOutputTokensPerSecond, service},
      {Metric::kTtftP50, first_token},
      {Metric::kTtftP99, first_token},
      {Metric::kTpotP50, service},
      {Metric::kTpotP99, service},
      {Metric::kAveragePower, energy}};
  return kEntries;
}

bool enters(const Fact& fact, const EntrySet& entries) {
  return std::ranges::find(entries, fact.enters) != entries.end();
}

// Data sheets and prices are taken at their word.
bool is_sampled(const std::string& confidence) {
  return confidence != "data-sheet" && confidence != "indicative";
}

}  // namespace

const std::vector<Metric>& headline_metrics() {
  static const std::vector<Metric> kMetrics = [] {
    std::vector<Metric> metrics;
    for (const auto& [key, entries] : headline_entries()) metrics.push_back(key);
    return metrics;
  }();
  return kMetrics;
}

bool is_headline(Metric key) {
  return std::ranges::find(headline_metrics(), key) != headline_metrics().end();
}

std::optional<Interval> interval_of(std::vector<double> samples, double stated) {
  if (samples.size() < kLeastSamples) return std::nullopt;
  samples.push_back(stated);
  std::sort(samples.begin(), samples.end());
  return Interval{std::min(stated, percentile(samples, 10)),
                  std::max(stated, percentile(samples, 90))};
}

std::optional<Interval> interval(const CaseReport& report, Metric key) {
  const std::optional<double> stated = metric(report, key);
  return stated ? interval_of(sampled(report, key), *stated) : std::nullopt;
}

Contest contest(const CaseReport& ahead, const CaseReport& behind, Metric key) {
  Contest result;
  for (std::size_t i = 0; i < std::min(ahead.samples.size(), behind.samples.size()); ++i) {
    const auto a = metric(ahead.samples[i], key), b = metric(behind.samples[i], key);
    if (!a || !b) continue;
    ++result.samples;
    if (*b < *a) ++result.turned;
  }
  return result;
}

std::optional<SloSamples> slo_samples(const CaseReport& report) {
  const std::optional<double> stated = metric(report, Metric::kSloMet);
  const std::vector<double> samples = sampled(report, Metric::kSloMet);
  if (!stated || samples.size() < kLeastSamples) return std::nullopt;
  const auto met = std::ranges::count_if(samples, [](double sample) { return sample > 0; });
  const std::ptrdiff_t agreeing = *stated > 0 ? std::ssize(samples) : 0;
  if (met == agreeing) return std::nullopt;
  return SloSamples{static_cast<int>(met), static_cast<int>(samples.size())};
}

std::vector<std::pair<std::string, int>> rests_on(const CaseReport& report, Metric key) {
  const auto headline =
      std::ranges::find(headline_entries(), key, &std::pair<Metric, EntrySet>::first);
  std::vector<Fact> facts;
  for (const Fact& fact : distinct_facts({report})) {
    if (enters(fact, headline->second)) facts.push_back(fact);
  }
  return facts_by_confidence(facts);
}

SampleSet sample_set(const std::vector<CaseReport>& cases) {
  SampleSet set;
  for (const CaseReport& report : cases) set.samples = std::max(set.samples, report.samples.size());
  if (set.samples == 0) return set;
  set.uncertain = facts_by_confidence(distinct_facts(cases));
  std::erase_if(set.uncertain, [](const auto& kind) { return !is_sampled(kind.first); });
  return set;
}

}  // namespace moesim
