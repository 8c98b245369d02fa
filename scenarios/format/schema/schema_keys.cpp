#include "scenarios/format/schema/schema_keys.h"

#include <fmt/format.h>

#include <map>

#include "scenarios/format/keys/scenario_keys.h"
#include "scenarios/format/schema/form_text.h"
#include "sim/deployment/engine_keys.h"

namespace moesim {
namespace {

SchemaKey described(const KeyFacts& facts) {
  return {facts.name, form_text(facts.form), full_meaning(facts), default_text(facts)};
}

// The map that a value may be, itself or as one of its forms; null without.
const form::Map* map_of(const form::Any& form) {
  if (const auto* map = std::get_if<form::Map>(&form)) return map->keys.empty() ? nullptr : map;
  if (const auto* either = std::get_if<form::Either>(&form)) {
    for (const form::Part& part : either->forms) {
      if (const form::Map* map = map_of(part.form)) return map;
    }
  }
  return nullptr;
}

// All that a map's keys say, to tell whether it was described before.
std::string content(const form::Map& map) {
  std::string text;
  for (const KeyFacts& facts : map.keys) {
    const SchemaKey key = described(facts);
    text += fmt::format("{}|{}|{}|{}\n", key.name, key.type, key.meaning, key.otherwise);
    if (const form::Map* inner = map_of(facts.form)) text += content(*inner);
  }
  return text;
}

class SectionReader {
 public:
  std::vector<SchemaSection> read(const form::Map& root, const std::string& meaning) {
    add_section("", meaning, root);
    for (const Reference& one : references_) {
      const std::string& described = first_path_.at(one.content);
      if (described != one.path) {
        sections_[one.section].keys[one.key].type += fmt::format(", as `{}`", described);
      }
    }
    return std::move(sections_);
  }

 private:
  // A key whose value is a map: where it stands, and what that map says.
  struct Reference {
    std::size_t section, key;
    std::string path, content;
  };

  void add_section(const std::string& path, const std::string& meaning, const form::Map& map) {
    first_path_[content(map)] = path;
    sections_.push_back({path, meaning, {}});
    const std::size_t section = sections_.size() - 1;
    std::vector<KeyFacts> keys = map.keys;
    for (const form::Part& other : map.others) {
      keys.push_back({"PATH", other.form, otherwise("none"), other.meaning, ""});
    }
    for (const KeyFacts& facts : keys) add_key(section, facts);
    const std::string before = path.empty() ? "" : path + ".";
    for (const KeyFacts& facts : keys) add_below(before + facts.name, facts.meaning, facts.form);
  }

  void add_key(std::size_t section, const KeyFacts& facts) {
    std::vector<SchemaKey>& keys = sections_[section].keys;
    keys.push_back(described(facts));
    const form::Map* map = map_of(facts.form);
    if (map == nullptr) return;
    const std::string& path = sections_[section].path;
    references_.push_back(
        {section, keys.size() - 1, path + (path.empty() ? "" : ".") + facts.name, content(*map)});
  }

  void add_below(const std::string& path, const std::string& meaning, const form::Any& form) {
    if (const auto* map = std::get_if<form::Map>(&form)) {
      if (!map->keys.empty() && !first_path_.contains(content(*map))) {
        add_section(path, meaning, *map);
      }
    } else if (const auto* list = std::get_if<form::List>(&form)) {
      add_below(path + "[]", list->item.front().meaning, list->item.front().form);
    } else if (const auto* either = std::get_if<form::Either>(&form)) {
      for (const form::Part& part : either->forms) add_below(path, part.meaning, part.form);
    }
  }

  std::vector<SchemaSection> sections_;
  std::map<std::string, std::string> first_path_;  // Of what a map says.
  std::vector<Reference> references_;
};

std::string table_markdown(const SchemaSection& section, const std::string& title) {
  std::string text = fmt::format(
      "\n## {}\n\n{}.\n\n| key | value | meaning | default |\n| --- | --- | --- | --- |\n", title,
      section.meaning);
  for (const SchemaKey& key : section.keys) {
    text +=
        fmt::format("| `{}` | {} | {} | {} |\n", key.name, key.type, key.meaning, key.otherwise);
  }
  return text;
}

}  // namespace

std::vector<SchemaSection> schema_sections() {
  return SectionReader().read(scenario_map(), kScenarioMeaning);
}

SchemaSection engine_file_section() {
  SchemaSection section{
      "sim/engines/NAME.yaml",
      "A range of releases of a serving engine: each value is a map {value, source, confidence}, a "
      "measured number may have a range. The oldest range has every key that is required; a later "
      "one only what changed. Yes and no stand in quotes",
      {{"from", "text", "First release of the range, e.g. \"0.8\"", "required"},
       {"since", "text", "Month of that release, e.g. \"2025-03\"", "required"}}};
  for (const EngineKey& one : engine_keys()) {
    SchemaKey key = described(one.row.key.facts);
    std::string built = written(one.row.key, ServingPolicy{}).value_or("");
    if (std::holds_alternative<form::Flag>(one.row.key.facts.form)) {
      key.type = "`yes`, `no`";
      built = built == "true" ? "yes" : "no";
    }
    key.otherwise = one.file == EngineFile::kStates ? "required" : "`" + built + "`";
    section.keys.push_back(std::move(key));
  }
  return section;
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
      "entry of a list. Paths of sweeps and of `--set` begin\nwith a case's name in place of "
      "`cases[]`: `moe.parallel.tp`.\n";
  for (const SchemaSection& section : schema_sections()) {
    text += table_markdown(section, section.path.empty() ? "The file" : "`" + section.path + "`");
  }
  text += "\n# Keys of engine files\n";
  const SchemaSection engines = engine_file_section();
  return text + table_markdown(engines, "`" + engines.path + "`");
}

}  // namespace moesim
