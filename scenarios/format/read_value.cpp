#include "scenarios/format/read_value.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <filesystem>

namespace moesim {
namespace {

constexpr std::size_t kMaxNameBytes = 100;

}  // namespace

std::optional<MapReader> map_like(const Value& value, const std::string& example) {
  if (value.is_map()) return MapReader(value);
  value.fault("a map such as " + example + " expected");
  return std::nullopt;
}

std::optional<double> quantity_up_to(const Value& value, Dimension dimension,
                                     const QuantityLimit& limit) {
  const auto number = value.quantity(dimension);
  if (number && *number > limit.max) {
    value.fault(fmt::format("at most {} expected", limit.text));
    return std::nullopt;
  }
  return number;
}

double quantity_up_to(MapReader& reader, const std::string& key, Dimension dimension,
                      double otherwise, const QuantityLimit& limit) {
  const auto value = reader.optional(key);
  return value ? quantity_up_to(*value, dimension, limit).value_or(otherwise) : otherwise;
}

std::optional<double> plain_number(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::string report_name(MapReader& reader) {
  const auto value = reader.required("name", "a name for the report");
  const auto name = value ? value->text() : std::nullopt;
  if (!name) return "";
  if (name->find_first_of("\n\r\t") != std::string::npos) {
    value->fault("a name on one line, without tabs, expected", "several lines");
  } else if (name->size() > kMaxNameBytes) {
    value->fault(fmt::format("a name of at most {} bytes expected", kMaxNameBytes),
                 fmt::format("{} bytes", name->size()));
  }
  return *name;
}

Value closest(const Value& whole, const std::string& section, const std::string& key) {
  const std::string path = section + "." + key;
  const YAML::Node map = whole.node()[section];
  if (!map.IsDefined() || !map.IsMap()) return whole.child(whole.node(), path);
  const YAML::Node value = map[key];
  return whole.child(value.IsDefined() && value.Mark().line >= 0 ? value : map, path);
}

std::string file_beside(const Value& value, const std::string& name) {
  const auto beside = std::filesystem::path(value.file()).parent_path() / name;
  std::error_code error;
  return std::filesystem::exists(beside, error) ? beside.string() : name;
}

std::string name_or_file_beside(const Value& value, const std::string& name) {
  const bool is_path = name.find('/') != std::string::npos || name.find('.') != std::string::npos;
  return is_path ? file_beside(value, name) : name;
}

void refuse(const Value& value, const InputError& error) {
  for (const Fault& fault : error.faults()) {
    if (fault.file.empty() || fault.line == 0) {
      value.fault(fault.allowed);
    } else {
      value.faults().add(fault);
    }
  }
}

}  // namespace moesim
