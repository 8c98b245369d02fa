// Why one case costs or burns less than another, in the few words that a verdict has room for.
#pragma once

#include <string>
#include <string_view>

#include "reports/results/case_report.h"

namespace moesim {

struct Comparison {
  const CaseReport& winner;
  const CaseReport& loser;

  // Loser minus winner; 0 where either has no value.
  double gain(std::string_view key) const;
  // "1.92 USD against 1.96 USD".
  std::string against(std::string_view key) const;
};

// cost per token = price of a device second * device seconds per token, and the latter is the sum
// over activities: the driver is the price if its ratio is the larger one, else the activity that
// differs most.
std::string cost_driver(const Comparison& pair);

// The component whose energy per token differs most; accelerators are explained by what they do.
std::string energy_driver(const Comparison& pair);

}  // namespace moesim
