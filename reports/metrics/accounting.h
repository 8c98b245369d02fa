// What several metrics are derived from: device time, traffic tokens, and who pays for what.
#pragma once

#include <array>
#include <optional>

#include "reports/metrics/metric.h"

namespace moesim {

inline constexpr double kHoursPerMonth = 730;  // 8,760 h / 12.
inline constexpr double kJoulesPerKwh = 3.6e6;
inline constexpr double kAmortisationHours =
    4 * 8760.0;  // Four years, straight line: an assumption.

// a / b, or nothing if b is not above zero.
std::optional<double> quotient(double a, double b);

// Time of all devices of the cluster over the horizon; the six activities and `unallocated`
// (devices that no rank uses) add up to devices * horizon.
struct DeviceTime {
  ByActivity<double> seconds{};
  double unallocated = 0;

  double total() const;
  // Everything but waiting for peers, idleness and unallocated devices.
  double busy() const;
};
DeviceTime device_time(const MetricInput& input);

// Share of the prompts in everything that is split between input and output: the energy of the
// steps' prompt tokens over that of all their tokens, each step split by its tokens. A decode step
// that reads all weights for few tokens thus counts for the output alone.
std::optional<double> prompt_share(const Summary& summary);

// What the whole cluster costs over the horizon. Rental contains electricity. Without a rental
// price:
//   total = devices * price / kAmortisationHours * hours + electricity
// Nothing where a price that the sum needs is not known; never 0 for "unknown".
struct Cost {
  std::optional<double> rent_usd;
  std::optional<double> amortisation_usd;
  std::optional<double> electricity_usd;
  std::optional<double> total_usd;
};
Cost horizon_cost(const MetricInput& input);

// Mean context of a decoding sequence: mean input and half the mean output of the requests that
// came.
std::optional<double> mean_context_tokens(const Summary& summary);

}  // namespace moesim
