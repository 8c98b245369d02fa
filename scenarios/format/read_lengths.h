// `workload.lengths` of a scenario: the lengths of requests, drawn one by one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/document.h"
#include "scenarios/format/draws.h"
#include "sim/deployment/workload.h"

namespace moesim {

// Draws requests: input and output lengths from streams of their own. A copy goes on from where the
// original is.
class LengthSource {
 public:
  // Faults go to the value's collector.
  LengthSource(const std::optional<Value>& value, std::uint64_t seed);
  Request next(Seconds arrival);

 private:
  using Length = std::function<std::int64_t(double)>;  // Tokens at a quantile.

  Quantiles input_quantiles_, output_quantiles_;
  Length input_, output_;  // Null after a fault.
};

}  // namespace moesim
