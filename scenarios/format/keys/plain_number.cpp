#include "scenarios/format/keys/plain_number.h"

#include <charconv>
#include <cmath>

namespace moesim {

std::optional<double> plain_number(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

}  // namespace moesim
