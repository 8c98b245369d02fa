// As much of JSON Schema (draft 2020-12) as our schemas use, to check documents against them.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>

namespace moesim {

class SchemaCheck {
 public:
  using Json = nlohmann::json;  // Finds keys faster than the ordered one.

  explicit SchemaCheck(const Json& root) : root_(root) {}

  // The first fault of a document with its place; "" if there is none. Throws: std::logic_error for
  // a keyword that is not known here.
  std::string fault(const Json& value) const { return fault(root_, value, ""); }

 private:
  std::string fault(const Json& schema, const Json& value, const std::string& at) const {
    for (const auto& [keyword, rule] : schema.items()) {
      const std::string found = fault_of(schema, keyword, rule, value, at);
      if (!found.empty()) return found;
    }
    return "";
  }

  bool fits(const Json& schema, const Json& value) const {
    return fault(schema, value, "").empty();
  }

  static bool is_type(const Json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (type == "null") return value.is_null();
    throw std::logic_error("no type " + type);
  }

  std::string fault_of(const Json& schema, const std::string& keyword, const Json& rule,
                       const Json& value, const std::string& at) const {
    const auto unless = [&](bool good) { return good ? "" : at + ": " + keyword; };
    for (const char* note :
         {"$schema", "$defs", "title", "description", "unit", "examples", "default"})
      if (keyword == note) return "";
    if (keyword == "$ref") {
      const std::string place = rule.get<std::string>().substr(1);
      return fault(root_.at(Json::json_pointer(place)), value, at);
    }
    if (keyword == "type") {
      const Json types = rule.is_array() ? rule : Json::array({rule});
      return unless(std::any_of(types.begin(), types.end(),
                                [&](const Json& type) { return is_type(value, type); }));
    }
    if (keyword == "const") return unless(value == rule);
    if (keyword == "enum") return unless(std::find(rule.begin(), rule.end(), value) != rule.end());
    if (keyword == "minimum") return unless(!value.is_number() || value >= rule);
    if (keyword == "maximum") return unless(!value.is_number() || value <= rule);
    const auto length = [&] { return value.get<std::string>().size(); };
    if (keyword == "minLength") return unless(!value.is_string() || length() >= rule);
    if (keyword == "maxLength") return unless(!value.is_string() || length() <= rule);
    if (keyword == "pattern") {
      const std::regex pattern(rule.get<std::string>());
      return unless(!value.is_string() || std::regex_search(value.get<std::string>(), pattern));
    }
    if (keyword == "minItems") return unless(!value.is_array() || value.size() >= rule);
    if (keyword == "maxItems") return unless(!value.is_array() || value.size() <= rule);
    if (keyword == "minProperties") return unless(!value.is_object() || value.size() >= rule);
    if (keyword == "maxProperties") return unless(!value.is_object() || value.size() <= rule);
    if (keyword == "items") return fault_of_items(rule, value, at);
    return fault_of_structure(schema, keyword, rule, value, at);
  }

  std::string fault_of_items(const Json& rule, const Json& value, const std::string& at) const {
    if (!value.is_array()) return "";
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string found = fault(rule, value[i], at + "/" + std::to_string(i));
      if (!found.empty()) return found;
    }
    return "";
  }

  std::string fault_of_structure(const Json& schema, const std::string& keyword, const Json& rule,
                                 const Json& value, const std::string& at) const {
    const auto unless = [&](bool good) { return good ? "" : at + ": " + keyword; };
    const auto fitting = [&] {
      return std::count_if(rule.begin(), rule.end(), [&](const Json& s) { return fits(s, value); });
    };
    if (keyword == "anyOf") return unless(fitting() > 0);
    if (keyword == "oneOf") return unless(fitting() == 1);
    if (keyword == "allOf") return unless(fitting() == static_cast<std::ptrdiff_t>(rule.size()));
    if (keyword == "not") return unless(!fits(rule, value));
    if (keyword == "then" || keyword == "else") return "";
    if (keyword == "if") {
      const char* branch = fits(rule, value) ? "then" : "else";
      return schema.contains(branch) ? fault(schema[branch], value, at) : "";
    }
    return value.is_object() ? fault_of_object(schema, keyword, rule, value, at) : "";
  }

  std::string fault_of_object(const Json& schema, const std::string& keyword, const Json& rule,
                              const Json& value, const std::string& at) const {
    if (keyword == "required") {
      for (const Json& key : rule)
        if (!value.contains(key.get<std::string>())) return at + ": lacks " + key.dump();
      return "";
    }
    if (keyword != "properties" && keyword != "additionalProperties" && keyword != "propertyNames")
      throw std::logic_error("unknown keyword " + keyword);
    for (const auto& [key, item] : value.items()) {
      const bool listed = schema.contains("properties") && schema["properties"].contains(key);
      std::string found;
      if (keyword == "properties" && listed) found = fault(rule[key], item, at + "/" + key);
      if (keyword == "propertyNames") found = fault(rule, key, at + "/" + key);
      if (keyword == "additionalProperties" && !listed) {
        if (rule == false) return at + ": unknown key " + key;
        found = fault(rule, item, at + "/" + key);
      }
      if (!found.empty()) return found;
    }
    return "";
  }

  Json root_;
};

}  // namespace moesim
