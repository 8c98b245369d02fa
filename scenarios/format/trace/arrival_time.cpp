#include "scenarios/format/trace/arrival_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/date_time/posix_time/posix_time.hpp>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace moesim {
namespace {

constexpr double kMaxSeconds = 1e10;  // The year 2286.

struct UnitFacts {
  const char* plural;
  double seconds;
};
constexpr std::array<UnitFacts, kNumWords<TimeUnit>> kUnits = {
    {{"seconds", 1}, {"milliseconds", 1e-3}, {"microseconds", 1e-6}, {"nanoseconds", 1e-9}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Whether the text has a digit wherever the shape has a 'd', and is the same elsewhere.
bool has_shape(std::string_view text, std::string_view shape) {
  return text.size() == shape.size() &&
         std::equal(text.begin(), text.end(), shape.begin(),
                    [](char c, char s) { return s == 'd' ? is_digit(c) : c == s; });
}

// "+00:00" of "Z", "+00", "+0000" and "-00:00"; nothing if it is no offset.
std::optional<std::string> normal_offset(std::string_view text) {
  if (text.empty()) return "";
  if (text == "Z") return "+00:00";
  const std::string digits = std::string(text.substr(1));
  const bool is_known =
      has_shape(digits, "dd") || has_shape(digits, "dddd") || has_shape(digits, "dd:dd");
  if (!is_known || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const std::string minutes = digits.size() == 2 ? "00" : digits.substr(digits.size() - 2);
  if (digits.substr(0, 2) > "18" || minutes[0] > '5') return std::nullopt;
  const std::string size = digits.substr(0, 2) + ":" + minutes;
  return (size == "00:00" ? '+' : text[0]) + size;
}

struct Date {
  double seconds = 0;  // Since 1970 by its own clock.
  std::string offset;
};

// "YYYY-MM-DD hh:mm:ss", a fraction and an offset or without; Boost also takes hours of 25 and
// fewer parts.
std::optional<Date> date_of(const std::string& text) {
  constexpr std::string_view kShape = "dddd-dd-dd dd:dd:dd";
  if (text.size() < kShape.size() || (text[10] != ' ' && text[10] != 'T')) return std::nullopt;
  std::string clock = text.substr(0, kShape.size());
  clock[10] = ' ';
  if (!has_shape(clock, kShape)) return std::nullopt;
  if (clock.substr(11, 2) > "23" || clock[14] > '5' || clock[17] > '5') return std::nullopt;
  std::size_t end = kShape.size();
  if (end < text.size() && text[end] == '.') {
    end = std::min(text.find_first_not_of("0123456789", end + 1), text.size());
  }
  const auto offset = normal_offset(std::string_view(text).substr(end));
  if (!offset) return std::nullopt;
  clock += text.substr(kShape.size(), end - kShape.size());
  try {
    const auto time = boost::posix_time::time_from_string(clock.substr(0, 26));
    if (time.is_special()) return std::nullopt;
    const boost::posix_time::ptime epoch(boost::gregorian::date(1970, 1, 1));
    return Date{static_cast<double>((time - epoch).total_microseconds()) * 1e-6, *offset};
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<double> ArrivalReader::date(const TraceRow& row) {
  const nlohmann::json* value = row.peek(column_);
  const bool is_number = value != nullptr && row.number_in(*value).has_value();
  const std::string allowed =
      std::string(
          "a time such as 2023-11-16 18:17:03.9799600, with an offset or without, expected") +
      (is_number ? "; numbers need a time_unit beside columns" : "");
  const auto text = row.text(column_, allowed);
  if (!text) return std::nullopt;
  const auto date = date_of(*text);
  if (!date) {
    row.fault(column_, allowed);
    return std::nullopt;
  }
  if (std::exchange(is_first_, false)) offset_ = date->offset;
  if (offset_ != date->offset) {
    row.fault(column_, offset_.empty() ? "a time without an offset, as the first one, expected"
                                       : "the offset " + offset_ + " of the first time expected");
    return std::nullopt;
  }
  return date->seconds;
}

std::optional<double> ArrivalReader::seconds(const TraceRow& row) {
  if (!unit_) return date(row);
  const UnitFacts& unit = kUnits[static_cast<std::size_t>(*unit_)];
  const double most = kMaxSeconds / unit.seconds;
  const auto number =
      row.number(column_, whole_, most,
                 fmt::format("{} of {} from 0 to {:g} expected",
                             whole_ ? "a whole number" : "a number", unit.plural, most));
  return number ? std::optional(*number * unit.seconds) : std::nullopt;
}

}  // namespace moesim
