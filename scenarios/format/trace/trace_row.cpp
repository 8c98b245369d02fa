#include "scenarios/format/trace/trace_row.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/format/keys/length_keys.h"
#include "scenarios/format/keys/plain_number.h"

namespace moesim {
namespace {

using Json = nlohmann::json;

bool is_blank(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty());
}

// Foreign text as it can stand in a message.
std::string printed(const std::string& text) {
  const std::string quoted = shown(text);
  return quoted.substr(1, quoted.size() - 2);
}

// Never a list or a map, which may be nested without end.
std::string printed(const Json& value) {
  if (value.is_structured()) return value.is_array() ? "a list" : "a map";
  return value.is_string() ? printed(value.get_ref<const std::string&>()) : value.dump();
}

// "metrics.request_latency" of "metrics.request_latency.value".
std::string second_level(const std::string& column) {
  const std::size_t first = column.find('.');
  const std::size_t second = first == std::string::npos ? first : column.find('.', first + 1);
  return column.substr(0, second);
}

}  // namespace

std::string some_of(std::vector<std::string> names) {
  constexpr std::size_t kMost = 12;
  const std::size_t more = names.size() > kMost ? names.size() - kMost : 0;
  names.resize(names.size() - more);
  const std::string text = comma_list(names);
  return more == 0 ? text : fmt::format("{} and {} more", text, more);
}

void ColumnUse::see(const Json& row) {
  for (const auto& [name, value] : row.items()) {
    if (is_blank(value)) continue;
    if (!value.is_object()) {
      seen_.insert(name);
      continue;
    }
    for (const auto& [inner, held] : value.items()) {
      if (!is_blank(held)) seen_.insert(name + "." + inner);
    }
  }
}

void ColumnUse::use(const std::string& column) {
  used_.insert(column);
  used_.insert(second_level(column));
}

std::vector<std::string> ColumnUse::unused() const {
  std::vector<std::string> names;
  for (const std::string& name : seen_) {
    if (!used_.contains(name) && !used_.contains(name.substr(0, name.find('.')))) {
      names.push_back(name);
    }
  }
  return names;
}

const Json* TraceRow::peek(const std::string& column) const {
  const auto whole = values_.find(column);
  if (whole != values_.end()) return &*whole;
  const Json* value = &values_;
  for (std::size_t begin = 0; begin <= column.size();) {
    const std::size_t end = std::min(column.find('.', begin), column.size());
    if (!value->is_object()) return nullptr;
    const auto found = value->find(column.substr(begin, end - begin));
    if (found == value->end()) return nullptr;
    value = &*found;
    begin = end + 1;
  }
  return value;
}

std::string TraceRow::names() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_.items()) names.push_back(printed(name));
  return some_of(std::move(names));
}

const Json* TraceRow::find(const std::string& column) const {
  use_.use(column);
  const Json* value = peek(column);
  return value == nullptr || is_blank(*value) ? nullptr : value;
}

std::optional<double> TraceRow::number_in(const Json& value) const {
  if (value.is_number()) return value.get<double>();
  if (is_text_ && value.is_string()) return plain_number(value.get_ref<const std::string&>());
  return std::nullopt;
}

std::optional<double> TraceRow::number(const std::string& column, bool whole, double max,
                                       const std::string& allowed) const {
  const Json* value = find(column);
  const auto number = value == nullptr ? std::nullopt : number_in(*value);
  if (number && *number >= 0 && *number <= max && (!whole || *number == std::floor(*number))) {
    return number;
  }
  fault(column, allowed);
  return std::nullopt;
}

std::optional<std::int64_t> TraceRow::tokens(const std::string& column, std::int64_t min) const {
  const Json* value = find(column);
  const auto number = value == nullptr ? std::nullopt : number_in(*value);
  const bool fits = number && *number >= static_cast<double>(min) &&
                    *number <= static_cast<double>(kTokens.max) && *number == std::floor(*number);
  if (fits) return static_cast<std::int64_t>(*number);
  fault(column,
        fmt::format("a whole number of tokens from {} to {} expected", kTokens.min, kTokens.max));
  return std::nullopt;
}

std::optional<std::string> TraceRow::text(const std::string& column,
                                          const std::string& allowed) const {
  const Json* value = find(column);
  if (value != nullptr && value->is_string()) return value->get<std::string>();
  fault(column, allowed);
  return std::nullopt;
}

void TraceRow::fault(const std::string& column, const std::string& allowed) const {
  const Json* value = peek(column);
  fault(column,
        value == nullptr   ? "missing"
        : is_blank(*value) ? "empty"
                           : printed(*value),
        allowed);
}

void TraceRow::fault(const std::string& column, const std::string& value,
                     const std::string& allowed) const {
  faults_.add(line_, printed(column), value, allowed);
}

}  // namespace moesim
