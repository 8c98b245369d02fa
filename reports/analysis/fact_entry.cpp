#include "reports/analysis/fact_entry.h"

#include <array>
#include <string_view>
#include <utility>

namespace moesim {
namespace {

constexpr std::array<std::pair<std::string_view, Enters>, 20> kEnters = {{
    {"rent", Enters::kMoney},
    {"price", Enters::kMoney},
    {"switch_price", Enters::kMoney},
    {"optic_price", Enters::kMoney},
    {"electricity", Enters::kMoney},
    {"carbon", Enters::kCarbon},
    {"memory", Enters::kMemory},
    {"tdp", Enters::kEnergy},
    {"idle", Enters::kEnergy},
    {"context", Enters::kEnergy},
    {"nic_power", Enters::kEnergy},
    {"host_idle", Enters::kEnergy},
    {"host_busy", Enters::kEnergy},
    {"psu_efficiency", Enters::kEnergy},
    {"switch_power", Enters::kEnergy},
    {"optic_power", Enters::kEnergy},
    {"energy_per_byte", Enters::kEnergy},
    {"pue", Enters::kEnergy},
    {"device_power", Enters::kEnergy},
    {"first_token", Enters::kFirstToken},
}};

}  // namespace

Enters entry_of(const Fact& fact) {
  const std::size_t colon = fact.path.rfind(": ");
  const std::string_view key =
      colon == std::string::npos ? fact.path : std::string_view(fact.path).substr(colon + 2);
  for (const auto& [name, enters] : kEnters) {
    if (key == name) return enters;
  }
  return key.starts_with("power_") ? Enters::kEnergy : Enters::kTime;
}

}  // namespace moesim
