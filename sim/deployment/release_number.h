// Releases of engines as people write them, and the releases that an engine's profile knows.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moesim {

// The leading numbers of a release: "1.2.0rc6.post3" is {1, 2, 0}, "v0.6.x" is {0, 6}, and the build
// "b6918" is {6918}.
struct ReleaseNumber {
  std::vector<int> parts;

  // Empty if the text does not begin with a number.
  static ReleaseNumber of(std::string_view text);

  bool empty() const { return parts.empty(); }
  // Compares as many parts as `other` has: 0.8.5 is part of 0.8.
  bool is_part_of(const ReleaseNumber& other) const;
  // Orders by the parts that both have, so that 0.5 is neither before nor after 0.5.9.
  bool before(const ReleaseNumber& other) const;
  auto operator<=>(const ReleaseNumber&) const = default;
};

// "2025-04", with a month from 01 to 12.
bool is_month(std::string_view text);
// Four digits, a hyphen and two digits, whether there is such a month or not.
bool looks_like_month(std::string_view text);

struct KnownRelease {
  std::string release;            // "0.8"
  std::string month;              // Of its first release, "2025-03".
  std::optional<int> last_patch;  // 5 = up to 0.8.5; nothing = not known.
};

}  // namespace moesim
