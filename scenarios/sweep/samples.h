// Points spread over ranges of a scenario's numbers: at random, or by a Sobol sequence, which
// leaves smaller holes with the same number of points.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/document.h"

namespace moesim {

// One path that is sampled: a range of numbers (with the unit that both ends have), or a choice.
struct SampledPath {
  std::string path;
  int line = 0;
  double from = 0, to = 0;
  std::string unit;  // As written behind the numbers, with its space.
  bool integer = false;
  bool log = false;
  std::vector<std::string> choices;  // Instead of a range, if there are any.

  // The value at quantile u in [0, 1), as text. Whole numbers are all equally likely; with `log`,
  // quantiles are of the logarithm.
  std::string value(double u) const;
};

struct SamplePlan {
  bool sobol = true;
  std::int64_t count = 0;
  std::vector<SampledPath> paths;
};

// Reads {sobol: 100, moe.model.top_k: {from: 1, to: 64}, moe.cluster.node: [dgx-h100, dgx-h200]}.
SamplePlan read_sample_plan(const Value& value);

// Up to `count` different points: [point][path]. Fewer where there are not as many. Sobol points
// are the same for every seed; random ones come from the stream "sweep".
// Source: Sobol 1967; direction numbers of Joe and Kuo 2008, through Boost.Random.
std::vector<std::vector<std::string>> draw_samples(const SamplePlan& plan, std::uint64_t seed);

}  // namespace moesim
