#include "scenarios/format/schema/schema_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "scenarios/format/schema/scenario_schema.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kDefault = " (default: ";
constexpr std::size_t kMostWords = 12;  // Longer lists are names that `moesim list` prints.

std::string quoted(const Json& value) {
  if (value.is_string()) return "`" + value.get<std::string>() + "`";
  return value.is_number_float() ? fmt::format("`{:g}`", value.get<double>())
                                 : "`" + value.dump() + "`";
}

std::string joined(const std::vector<std::string>& parts, const std::string& between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

// 65536 as "65,536", 1e-06 and 0.1 as they are.
std::string bound(const Json& number) {
  if (number.is_number_float() && number != std::floor(number.get<double>())) return number.dump();
  std::string digits = fmt::format("{:.0f}", number.get<double>());
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

bool is_map(const Json& schema) {
  return schema.contains("properties");
}

std::string type_of(const Json& schema);

std::string type_of_forms(const Json& forms) {
  std::vector<std::string> types;
  for (const Json& form : forms) {
    std::string type = type_of(form);
    if (std::find(types.begin(), types.end(), type) == types.end()) types.push_back(type);
  }
  return joined(types, ", or ");
}

std::string type_of(const Json& schema) {
  if (schema.contains("const")) return quoted(schema["const"]);
  if (schema.contains("anyOf")) return type_of_forms(schema["anyOf"]);
  if (schema.contains("enum") && schema["enum"].size() > kMostWords) return "name";
  if (schema.contains("enum")) {
    std::vector<std::string> words;
    for (const Json& word : schema["enum"]) words.push_back(quoted(word));
    return joined(words, ", ");
  }
  if (schema.contains("pattern")) {
    const std::string meaning = schema["description"];
    return meaning.substr(meaning.rfind("; ") + 2);
  }
  if (schema.contains("examples")) return "name or path";
  if (schema["type"].is_array()) return "text";
  const std::string type = schema["type"];
  if (type == "boolean") return "`true`, `false`";
  if (type == "array") {
    return schema.contains("items") ? "list of: " + type_of(schema["items"]) : "list of values";
  }
  if (type == "object") return "map";
  return fmt::format("{} from {} to {}", type == "integer" ? "whole number" : "number",
                     bound(schema["minimum"]), bound(schema["maximum"]));
}

// The description without what type and default say.
std::string meaning_of(const Json& schema) {
  std::string meaning = schema.value("description", "");
  if (schema.contains("pattern")) meaning.resize(meaning.rfind("; "));
  return meaning.substr(0, meaning.find(kDefault));
}

std::string default_of(const Json& schema) {
  if (schema.contains("default")) return quoted(schema["default"]);
  std::string meaning = schema.value("description", "");
  const std::size_t start = meaning.find(kDefault);
  if (start == std::string::npos) return "";
  if (schema.contains("pattern")) meaning.resize(meaning.rfind("; "));
  const std::size_t words = start + std::string(kDefault).size();
  return meaning.substr(words, meaning.size() - words - 1);
}

// The map that a value may be, itself or as one of its forms; null without.
const Json* map_of_value(const Json& schema) {
  if (is_map(schema)) return &schema;
  if (!schema.contains("anyOf")) return nullptr;
  for (const Json& form : schema["anyOf"]) {
    if (const Json* map = map_of_value(form)) return map;
  }
  return nullptr;
}

class SectionReader {
 public:
  std::vector<SchemaSection> read(const Json& root) {
    add_section("", root);
    for (const Reference& one : references_) {
      const std::string& described = first_path_.at(one.keys);
      if (described != one.path) {
        sections_[one.section].keys[one.key].type += fmt::format(", as `{}`", described);
      }
    }
    return std::move(sections_);
  }

 private:
  // A key whose value is a map: where it stands, and what keys that map has.
  struct Reference {
    std::size_t section, key;
    std::string path, keys;
  };

  void add_section(const std::string& path, const Json& map) {
    first_path_[map["properties"].dump()] = path;
    sections_.push_back({path, meaning_of(map), {}});
    const std::size_t section = sections_.size() - 1;
    const Json required = map.value("required", Json::array());
    for (const auto& [name, value] : map["properties"].items()) {
      const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
      add_key(section, name, value, is_required ? "required" : default_of(value));
    }
    const Json& others = map["additionalProperties"];
    if (others.is_object()) add_key(section, "PATH", others, "none");
    const std::string before = path.empty() ? "" : path + ".";
    for (const auto& [name, value] : map["properties"].items()) add_below(before + name, value);
    if (others.is_object()) add_below(before + "PATH", others);
  }

  void add_key(std::size_t section, const std::string& name, const Json& value,
               const std::string& otherwise) {
    std::vector<SchemaKey>& keys = sections_[section].keys;
    keys.push_back({name, type_of(value), meaning_of(value), otherwise});
    const Json* map = map_of_value(value);
    if (!map) return;
    const std::string& path = sections_[section].path;
    references_.push_back({section, keys.size() - 1, path + (path.empty() ? "" : ".") + name,
                           (*map)["properties"].dump()});
  }

  void add_below(const std::string& path, const Json& schema) {
    if (is_map(schema) && !first_path_.contains(schema["properties"].dump())) {
      add_section(path, schema);
    }
    if (schema.contains("items")) add_below(path + "[]", schema["items"]);
    if (schema.contains("anyOf")) {
      for (const Json& form : schema["anyOf"]) add_below(path, form);
    }
  }

  std::vector<SchemaSection> sections_;
  std::map<std::string, std::string> first_path_;  // Of each set of keys.
  std::vector<Reference> references_;
};

}  // namespace

std::vector<SchemaSection> schema_sections() {
  return SectionReader().read(scenario_schema());
}

std::string keys_text() {
  std::string text;
  for (const SchemaSection& section : schema_sections()) {
    for (const SchemaKey& key : section.keys) {
      const std::string path = (section.path.empty() ? "" : section.path + ".") + key.name;
      text += fmt::format("{:40} {}\n{:40} {}; {}\n", path, key.meaning, "", key.type,
                          key.otherwise == "required" ? "required" : "default: " + key.otherwise);
    }
  }
  std::erase(text, '`');
  return text;
}

std::string keys_markdown() {
  std::string text =
      "# Keys of scenario files\n\nWritten by `moesim list keys --markdown`. `[]` stands for an "
      "entry "
      "of a list. Paths of sweeps and of `--set` begin\nwith a case's name in place of `cases[]`: "
      "`moe.parallel.tp`.\n";
  for (const SchemaSection& section : schema_sections()) {
    text += fmt::format(
        "\n## {}\n\n{}.\n\n| key | value | meaning | default |\n| --- | --- | --- | "
        "--- |\n",
        section.path.empty() ? "The file" : "`" + section.path + "`", section.meaning);
    for (const SchemaKey& key : section.keys) {
      text +=
          fmt::format("| `{}` | {} | {} | {} |\n", key.name, key.type, key.meaning, key.otherwise);
    }
  }
  return text;
}

}  // namespace moesim
