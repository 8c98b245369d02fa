#include "scenarios/format/schema/schema_parts.h"

#include "base/quantity_pattern.h"

namespace moesim::schema {

Json by_default(const Json& value, Json schema) {
  schema["default"] = value;
  return schema;
}

Json by_default_as(const std::string& words, Json schema) {
  std::string meaning = schema["description"];
  const std::size_t end = schema.contains("pattern") ? meaning.rfind("; ") : meaning.size();
  schema["description"] = meaning.insert(end, " (default: " + words + ")");
  return schema;
}

Json map_of(const std::string& meaning, const std::vector<Key>& keys) {
  Json map = {{"type", "object"}, {"description", meaning}, {"properties", Json::object()}};
  Json required = Json::array();
  for (const Key& key : keys) {
    map["properties"][key.name] = key.value;
    if (key.need == Need::kRequired) required.push_back(key.name);
  }
  if (!required.empty()) map["required"] = required;
  map["additionalProperties"] = false;
  return map;
}

Json list_of(const std::string& meaning, const Json& item) {
  return {{"type", "array"}, {"description", meaning}, {"items", item}, {"minItems", 1}};
}

Json either(const std::vector<Json>& forms, const std::string& meaning) {
  return {{"anyOf", forms}, {"description", meaning}};
}

Json whole_number(std::int64_t min, std::int64_t max, const std::string& meaning) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}, {"description", meaning}};
}

Json number(double min, double max, const std::string& meaning) {
  return {{"type", "number"}, {"minimum", min}, {"maximum", max}, {"description", meaning}};
}

Json flag(const std::string& meaning) {
  return {{"type", "boolean"}, {"description", meaning}};
}

Json quantity(Dimension dimension, const std::string& meaning, bool zero_allowed) {
  return {{"type", "string"},
          {"pattern", quantity_pattern(dimension, zero_allowed)},
          {"description", meaning + "; " + std::string(allowed_quantity(dimension))}};
}

Json text(const std::string& meaning) {
  return {{"type", {"string", "number"}}, {"minLength", 1}, {"description", meaning}};
}

Json name_or_path(const std::vector<std::string>& names, const std::string& meaning) {
  return {{"type", "string"}, {"minLength", 1}, {"examples", names}, {"description", meaning}};
}

Json one_of(const std::vector<std::string>& words, const std::string& meaning) {
  return {{"enum", words}, {"description", meaning}};
}

}  // namespace moesim::schema
