// How sure a figure is: its spread over draws of everything uncertain, what it rests on, and
// whether the order of two cases survives the draws.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/render/report.h"

namespace moesim {

// Metrics that carry an interval wherever people read them.
const std::vector<std::string_view>& headline_keys();
bool is_headline(std::string_view key);

struct Interval {
  double low = 0;
  double high = 0;
};

// P10 to P90 of draws and the stated value (linear interpolation between order statistics), wide
// enough to hold the stated value. Nothing with fewer than five draws.
std::optional<Interval> interval_of(std::vector<double> draws, double stated);

// The same of a metric over the case's draws that ran.
std::optional<Interval> interval(const CaseReport& report, std::string_view key);

// "0.19 to 0.25 USD", "950 ms to 1.10 s"; empty without an interval.
std::string readable_interval(const CaseReport& report, std::string_view key);
// The same below the stated value, whose unit it leaves out where it has no other: "0.19 to 0.25".
std::string short_interval(const CaseReport& report, std::string_view key);

// Two cases over the same draws: in how many the one behind is ahead.
struct Contest {
  int draws = 0;
  int turned = 0;
  // The order is no more certain than P90.
  bool is_tie() const { return 10 * turned > draws; }
};
// Less is better. Requires: `ahead` has the smaller stated value.
Contest contest(const CaseReport& ahead, const CaseReport& behind, std::string_view key);

// Draws in which the case met its service level, of how many; nothing without limits or draws, or
// where every draw agrees with the stated result.
std::optional<std::pair<int, int>> service_level_draws(const CaseReport& report);

// How many numbers of the profiles a metric rests on, by confidence, most first; only those that
// enter it: prices enter costs, power enters energy, everything timed enters both.
std::vector<std::pair<std::string, int>> rests_on(const CaseReport& report, std::string_view key);

// "P10 to P90: over 10 draws of the 62 uncertain numbers (...)"; empty without draws.
std::string doubt_sentence(const Report& report);

}  // namespace moesim
