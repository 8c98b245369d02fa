#include "scenarios/format/fault_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace moesim {
namespace {

constexpr std::size_t kMaxFaults = 50;

}  // namespace

std::vector<Fault> for_reading(const Faults& faults, const std::string& file, bool has_settings) {
  std::vector<Fault> all = faults.all();
  for (Fault& fault : all) {
    if (has_settings && fault.line == 0 && fault.file == file) fault.file = kSetOption;
  }
  const auto key = [&](const Fault& fault) {
    return std::pair(fault.file != file && fault.file != kSetOption, fault.line);
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const Fault& a, const Fault& b) { return key(a) < key(b); });
  std::vector<Fault> unique;
  std::set<std::string> seen;
  for (const Fault& fault : all) {
    if (seen.insert(fault.text()).second) unique.push_back(fault);
  }
  if (unique.size() > kMaxFaults) {
    const std::size_t more = unique.size() - kMaxFaults;
    unique.resize(kMaxFaults);
    unique.push_back({file, 0, "", "", fmt::format("and {} more faults", more)});
  }
  return unique;
}

}  // namespace moesim
