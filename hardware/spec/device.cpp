#include "hardware/spec/device.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <string_view>

namespace moesim {
namespace {

// The formats that can multiply operands of `dtype`, best first. Four-bit weights on a device
// without four-bit tensor units are widened to 16 bit, as engines do (gpt-oss on Hopper).
std::initializer_list<Dtype> stand_ins(Dtype dtype) {
  using enum Dtype;
  static constexpr std::initializer_list<Dtype> kFromFp32 = {kFp32, kBf16, kFp16};
  static constexpr std::initializer_list<Dtype> kFromBf16 = {kBf16, kFp16, kFp32};
  static constexpr std::initializer_list<Dtype> kFromFp16 = {kFp16, kBf16, kFp32};
  static constexpr std::initializer_list<Dtype> kFromFp8 = {kFp8, kBf16, kFp16, kFp32};
  static constexpr std::initializer_list<Dtype> kFromFp4 = {kFp4, kBf16, kFp16, kFp32};
  static constexpr std::initializer_list<Dtype> kFromInt8 = {kInt8, kBf16, kFp16, kFp32};
  static constexpr std::initializer_list<Dtype> kFromInt4 = {kInt4, kBf16, kFp16, kFp32};
  switch (dtype) {
    case kFp32:
      return kFromFp32;
    case kBf16:
      return kFromBf16;
    case kFp16:
      return kFromFp16;
    case kFp8:
      return kFromFp8;
    case kFp4:
      return kFromFp4;
    case kInt8:
      return kFromInt8;
    case kInt4:
      return kFromInt4;
  }
  return kFromFp32;
}

// The kernels that a fact of a family is about.
enum class Kernels { kAll, kExperts, kPlainExperts, kWidenedExperts, kPowerLimited };
Kernels kernels_of(const Fact& fact) {
  const std::string_view key = std::string_view(fact.path).substr(fact.path.rfind(": ") + 2);
  if (key == "lowest_clock") return Kernels::kPowerLimited;
  if (key == "expert_rows_lost") return Kernels::kPlainExperts;
  if (key.starts_with("widened_")) return Kernels::kWidenedExperts;
  return key.starts_with("expert_") ? Kernels::kExperts : Kernels::kAll;
}

}  // namespace

Watts DeviceSpec::waiting_power() const {
  return std::max(idle + context, tdp * family.power_waiting);
}

std::vector<Fact> DeviceSpec::family_facts(std::optional<Dtype> experts, bool power_limited) const {
  const bool widened = experts && widens(*experts);
  const auto is_used = [&](const Fact& fact) {
    switch (kernels_of(fact)) {
      case Kernels::kExperts:
        return experts.has_value();
      case Kernels::kPlainExperts:
        return experts && !widened;
      case Kernels::kWidenedExperts:
        return widened;
      case Kernels::kPowerLimited:
        return power_limited;
      case Kernels::kAll:
        break;
    }
    return true;
  };
  std::vector<Fact> used;
  std::copy_if(family.facts.begin(), family.facts.end(), std::back_inserter(used), is_used);
  return used;
}

Dtype DeviceSpec::compute_dtype(Dtype dtype) const {
  for (Dtype candidate : stand_ins(dtype)) {
    if (peak.contains(candidate)) return candidate;
  }
  return dtype;
}

FlopsPerSecond DeviceSpec::peak_of(Dtype dtype) const {
  const auto found = peak.find(compute_dtype(dtype));
  return found == peak.end() ? FlopsPerSecond() : found->second;
}

NodeSpec part_of(const NodeSpec& node, std::int64_t count) {
  if (count == node.devices) return node;
  NodeSpec part = node;
  part.whole_devices = node.devices;
  part.devices = count;
  part.nics = (node.nics * count + node.devices - 1) / node.devices;  // Shared ones stay whole.
  const double share = static_cast<double>(count) / static_cast<double>(node.devices);
  part.host_idle = node.host_idle * share;
  part.host_busy = node.host_busy * share;
  return part;
}

}  // namespace moesim
