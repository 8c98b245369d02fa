// `sweep:` of a scenario: some keys, and paths that the user names.
#pragma once

#include <optional>
#include <string>

#include "base/keys.h"

namespace moesim {

inline constexpr const char* kPoints = "points";
inline constexpr const char* kSample = "sample";
inline constexpr const char* kWhere = "where";

// Points of a sample, under the name of its method.
inline constexpr const char* kSobol = "sobol";
inline constexpr const char* kRandom = "random";
inline constexpr form::Whole kSamples{1, 1'000'000};

// What a sampled path takes: values from one end to the other, with their unit.
struct SampledRange {
  std::string from, to;
  bool log = false;
  std::optional<bool> integer;
};
const KeyMap<SampledRange>& range_keys();

KeyFacts sweep_key();

}  // namespace moesim
