#include "sim/deployment/release_number.h"

#include <algorithm>
#include <charconv>

namespace moesim {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

ReleaseNumber ReleaseNumber::of(std::string_view text) {
  if (text.find_first_of("vVbB") == 0) text.remove_prefix(1);
  ReleaseNumber release;
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    int number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 0) break;
    release.parts.push_back(number);
    if (next == end || *next != '.') break;
    at = next + 1;
  }
  return release;
}

bool ReleaseNumber::is_part_of(const ReleaseNumber& other) const {
  return parts.size() >= other.parts.size() &&
         std::equal(other.parts.begin(), other.parts.end(), parts.begin());
}

bool ReleaseNumber::before(const ReleaseNumber& other) const {
  const auto common = static_cast<std::ptrdiff_t>(std::min(parts.size(), other.parts.size()));
  return std::lexicographical_compare(parts.begin(), parts.begin() + common, other.parts.begin(),
                                      other.parts.begin() + common);
}

bool looks_like_month(std::string_view text) {
  return text.size() == 7 && text[4] == '-' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == '-' || is_digit(c); });
}

bool is_month(std::string_view text) {
  if (!looks_like_month(text) || !text.starts_with("20")) return false;
  const std::string_view month = text.substr(5);
  return month >= "01" && month <= "12";
}

}  // namespace moesim
