#include "scenarios/format/schema/form_schema.h"

#include <nlohmann/json.hpp>

#include "base/quantity.h"
#include "base/quantity_pattern.h"
#include "scenarios/format/schema/form_text.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

Json part_schema(const form::Part& part);

// A scalar as YAML reads it.
Json scalar(const std::string& text, const form::Any& form) {
  if (std::holds_alternative<form::Flag>(form)) return text == "true";
  if (std::holds_alternative<form::Whole>(form)) return std::stoll(text);
  if (std::holds_alternative<form::Number>(form)) return std::stod(text);
  return text;
}

struct FormSchema {
  const std::string& meaning;

  // "Host time of a step (up to 60 s)"
  std::string with_most(const form::Quantity& quantity) const {
    const std::string most = quantity.most;
    return most.empty() ? meaning : meaning + " (up to " + most + ")";
  }

  Json operator()(const form::Flag&) const {
    return {{"type", "boolean"}, {"description", meaning}};
  }
  Json operator()(const form::Whole& whole) const {
    return {{"type", "integer"},
            {"minimum", whole.min},
            {"maximum", whole.max},
            {"description", meaning}};
  }
  Json operator()(const form::Number& number) const {
    return {{"type", "number"},
            {"minimum", number.min},
            {"maximum", number.max},
            {"description", meaning}};
  }
  Json operator()(const form::Quantity& quantity) const {
    return {{"type", "string"},
            {"pattern", quantity_pattern(quantity.dimension, quantity.zero_allowed)},
            {"description",
             with_most(quantity) + "; " + std::string(allowed_quantity(quantity.dimension))}};
  }
  Json operator()(const form::Text&) const {
    return {{"type", {"string", "number"}}, {"minLength", 1}, {"description", meaning}};
  }
  Json operator()(const form::Title& title) const {
    Json schema = (*this)(form::Text{});
    schema["maxLength"] = title.max_bytes;
    return schema;
  }
  Json operator()(const form::Wholes& list) const {
    Json item = FormSchema{""}(list.item);
    item.erase("description");
    return {{"type", "array"}, {"description", meaning}, {"items", item}, {"minItems", 1}};
  }
  Json operator()(const form::Count& count) const {
    return {{"type", "string"}, {"pattern", "^[0-9]+ " + count.of + "$"}, {"description", meaning}};
  }
  Json operator()(const form::Words& words) const {
    return {{"enum", words.words}, {"description", meaning}};
  }
  Json operator()(const form::Name& name) const {
    if (!name.or_path) return {{"enum", name.names()}, {"description", meaning}};
    return {
        {"type", "string"}, {"minLength", 1}, {"examples", name.names()}, {"description", meaning}};
  }
  Json operator()(const form::Constant& constant) const {
    const bool whole = constant.value.find_first_not_of("0123456789") == std::string::npos;
    const Json value = whole ? Json(std::stoll(constant.value)) : Json(constant.value);
    return {{"const", value}, {"description", meaning}};
  }
  Json operator()(const form::Values&) const {
    return {{"type", "array"}, {"minItems", 1}, {"description", meaning}};
  }
  Json operator()(const form::Map& map) const { return map_schema(map, meaning); }
  Json operator()(const form::List& list) const {
    return {{"type", "array"},
            {"description", meaning},
            {"items", part_schema(list.item.front())},
            {"minItems", 1}};
  }
  Json operator()(const form::Either& either) const {
    Json forms = Json::array();
    for (const form::Part& part : either.forms) forms.push_back(part_schema(part));
    return {{"anyOf", forms}, {"description", meaning}};
  }
};

Json part_schema(const form::Part& part) {
  return std::visit(FormSchema{part.meaning}, part.form);
}

}  // namespace

Json key_schema(const KeyFacts& facts) {
  std::string meaning = full_meaning(facts);
  if (facts.fallback.kind == Default::Kind::kWords) {
    meaning += " (default: " + facts.fallback.text + ")";
  }
  Json schema = std::visit(FormSchema{meaning}, facts.form);
  if (facts.fallback.kind == Default::Kind::kValue) {
    schema["default"] = scalar(facts.fallback.text, facts.form);
  }
  return schema;
}

Json map_schema(const form::Map& map, const std::string& meaning) {
  Json schema = {{"type", "object"}, {"description", meaning}};
  if (map.keys.empty() && map.others.empty()) return schema;  // Keys of the user's own.
  schema["properties"] = Json::object();
  Json required = Json::array();
  for (const KeyFacts& facts : map.keys) {
    schema["properties"][facts.name] = key_schema(facts);
    if (facts.required()) required.push_back(facts.name);
  }
  if (!required.empty()) schema["required"] = required;
  schema["additionalProperties"] = false;
  if (!map.others.empty()) schema["additionalProperties"] = part_schema(map.others.front());
  if (map.exactly_one) schema["minProperties"] = schema["maxProperties"] = 1;
  return schema;
}

}  // namespace moesim
