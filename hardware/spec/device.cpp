#include "hardware/spec/device.h"

#include <initializer_list>
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

// Which experts a fact of a family is about; nothing for facts about all kernels.
enum class Experts { kAny, kPlain, kWidened };
std::optional<Experts> experts_of(const Fact& fact) {
  const std::string_view key = std::string_view(fact.path).substr(fact.path.rfind(": ") + 2);
  if (key.starts_with("widened_")) return Experts::kWidened;
  if (key == "expert_rows_lost") return Experts::kPlain;
  return key.starts_with("expert_") ? std::optional(Experts::kAny) : std::nullopt;
}

}  // namespace

std::vector<Fact> DeviceSpec::family_facts(std::optional<Dtype> experts) const {
  std::vector<Fact> used;
  for (const Fact& fact : family.facts) {
    const auto about = experts_of(fact);
    const bool is_used =
        !about ||
        (experts && (*about == Experts::kAny || (*about == Experts::kWidened) == widens(*experts)));
    if (is_used) used.push_back(fact);
  }
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

}  // namespace moesim
