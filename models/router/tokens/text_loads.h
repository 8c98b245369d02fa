// The loads that a kind of text puts on the experts: counted ones where they are published, those
// of a law where they are not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "models/router/tokens/calibration.h"

namespace moesim {

struct TextLoads {
  std::string domain;             // Name of the kind of text.
  std::string description;        // For the report.
  std::vector<LoadShape> shapes;  // Rising depth. Empty: trained to balance.
  double spread = 0;              // Standard deviation of ln load beyond the shapes, per expert.
};

// The loads of a domain of text:
//   ""        the mean over the family's domains, expert by expert, or the loads of its mixture;
//   listed    that domain's own, also for a name that it stands for;
//   otherwise the geometric mean over the listed domains of the same collection (all, if it has
//             none), times exp(sigma N) with the spread sigma of ln load between these domains,
//             or the family's domain_spread where fewer than two are listed.
TextLoads text_loads(const RoutingCalibration& family, const std::string& domain);

// Targets that loads are fitted to, expert by expert in falling order of load; means are 1.
struct ExpertTargets {
  std::vector<double> load;
  std::vector<double> first;  // First choices; empty = not known.
};

// Targets for `num_experts` experts at a depth: linear in depth and in the rank of an expert, so
// that other expert counts keep the shape; `random` draws the spread. No load exceeds that of an
// expert in every token's choice, num_experts / top_k. Requires: text.shapes is not empty.
ExpertTargets expert_targets(const TextLoads& text, double depth, std::int64_t num_experts,
                             std::int64_t top_k, RandomStream& random);

// Loads with a log-normal law of this Gini coefficient, G = erf(sigma / 2), at depth 1/2.
// Requires: 0 <= gini < 1.
LoadShape lognormal_loads(double gini);

}  // namespace moesim
