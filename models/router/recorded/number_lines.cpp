#include "models/router/recorded/number_lines.h"

#include <charconv>
#include <string>

namespace moesim {

namespace {

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

bool read_numbers(std::string_view line, std::span<std::int64_t> numbers) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::size_t comma = line.find(',');
    const bool last = i + 1 == numbers.size();
    if (last != (comma == std::string_view::npos)) return false;
    const std::string_view field = without_blanks(line.substr(0, comma));
    const auto [end, error] =
        std::from_chars(field.data(), field.data() + field.size(), numbers[i]);
    if (error != std::errc() || end != field.data() + field.size()) return false;
    if (!last) line.remove_prefix(comma + 1);
  }
  return true;
}

bool is_header(std::string_view line, std::string_view header) {
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);  // A byte order mark.
  std::string plain;
  for (const char c : line) {
    if (c == ' ' || c == '\t') continue;
    plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return plain == header;
}

}  // namespace moesim
