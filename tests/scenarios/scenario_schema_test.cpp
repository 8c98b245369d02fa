// The schema of scenario files says what the readers say: same keys, words, bounds and units.
#include "scenarios/format/schema/scenario_schema.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <set>

#include "base/document.h"
#include "base/quantity_pattern.h"
#include "tests/reports/json_schema.h"
#include "tests/scenarios/scenario_text.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kWrong = "zzzzzzzzzzzz";
// A swept path; what `sweep:` and `sample:` allow beside their own keys.
constexpr const char* kPath = "a.model.top_k";

// YAML 1.2's core schema, as editors read it.
Json json_of(const YAML::Node& node) {
  Json json;
  if (node.IsMap()) {
    json = Json::object();
    for (const auto& entry : node) json[entry.first.Scalar()] = json_of(entry.second);
  } else if (node.IsSequence()) {
    json = Json::array();
    for (const YAML::Node& item : node) json.push_back(json_of(item));
  } else if (node.IsScalar()) {
    static const std::regex kWhole("[-+]?[0-9]+");
    static const std::regex kNumber("[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]+)?");
    const std::string text = node.Scalar();
    json = text;
    if (node.Tag() == "!") return json;
    if (text == "true" || text == "false") json = text == "true";
    if (std::regex_match(text, kNumber)) json = std::stod(text);
    if (std::regex_match(text, kWhole)) json = std::stoll(text);
  }
  return json;
}

// A place in a document: keys, and numbers of lists.
using Place = std::vector<std::string>;
using Visit = std::function<void(const Place& place, const Json& schema)>;

// Visits every schema of a value, with the forms that it may have one after the other.
void walk(const Json& schema, const Place& place, const Visit& visit) {
  visit(place, schema);
  const auto below = [&](const std::string& key, const Json& next) {
    Place inner = place;
    inner.push_back(key);
    walk(next, inner, visit);
  };
  if (schema.contains("properties"))
    for (const auto& [key, next] : schema["properties"].items()) below(key, next);
  if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object())
    below(kPath, schema["additionalProperties"]);
  if (schema.contains("items")) below("0", schema["items"]);
  if (schema.contains("anyOf"))
    for (const Json& form : schema["anyOf"]) walk(form, place, visit);
}

// What an entry of `faults:` needs for the reader to come to a key.
Json entry_with(const std::string& key) {
  if (key == "fails" || key == "detection" || key == "restart") {
    return {{"gpu", 0}, {"fails", "1 s"}};
  }
  if (key == "gpu") return {{"speed", 0.5}};
  if (key == "port" || key == "cables")
    return {{"link", "fabric"}, {"port", "leaf 0"}, {"speed", 0.5}};
  return {{"link", "nic"}, {"node", 0}, {"rail", 0}, {"speed", 0}, {"until", "1 s"}};
}

// The base scenario with a value at a place, whatever was there before.
Json with(const Place& place, const Json& value) {
  Json root = json_of(parse_document(kMoe, "s.yaml"));
  Json* at = &root;
  for (const std::string& key : place) {
    if (key == "0") {
      if (!at->is_array()) *at = Json::array({nullptr});
      at = &(*at)[0];
      if (place.size() == 5 && place[2] == "faults" && &key == &place[3]) {
        *at = entry_with(place.back());
      }
      continue;
    }
    if (!at->is_object()) *at = Json::object();
    if (place.size() > 2 && place[1] == "requests" && at == &root["workload"]["requests"])
      *at = Json::object();  // One kind at a time.
    at = &(*at)[key];
  }
  *at = value;
  return root;
}

std::vector<Fault> faults(const Json& scenario) {
  try {
    read_text(scenario.dump(1));
  } catch (const InputError& e) {
    return e.faults();
  }
  return {};
}

// As messages write it: "cases.a.cluster.shape[0]".
std::string path_text(const Place& place) {
  std::string text;
  for (const std::string& key : place) {
    if (key == "0")
      text += text == "cases" ? ".a" : "[0]";
    else
      text += (text.empty() ? "" : ".") + key;
  }
  return text;
}

std::string shown(const std::vector<Fault>& faults) {
  std::string text;
  for (const Fault& fault : faults) text += fault.text() + "\n";
  return text;
}

// What the reader says of a value that is none: the beginning of its message.
std::string expected_message(const Json& schema) {
  if (schema.contains("enum")) {
    return "one of " + comma_list(schema["enum"].get<std::vector<std::string>>()) + " expected";
  }
  const bool is_count = schema.value("pattern", "").starts_with("^[0-9]+ ");
  if (is_count) return "";  // One of several forms, which its reader names together.
  if (schema.contains("pattern")) {
    const std::string meaning = schema["description"];
    return meaning.substr(meaning.rfind("; ") + 2);
  }
  const std::string type = schema.value("type", Json()).is_string() ? schema["type"] : Json("");
  if (type == "boolean") return "true or false expected";
  if (type == "integer") {
    return fmt::format("a whole number from {} to {} expected", schema["minimum"].dump(),
                       schema["maximum"].dump());
  }
  if (type == "number") {
    return fmt::format("a number from {} to {} expected", schema["minimum"].get<double>(),
                       schema["maximum"].get<double>());
  }
  return "";
}

TEST(ScenarioSchema, ShippedScenariosFitAsWrittenAndResolved) {
  const SchemaCheck check(scenario_schema());
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string file = entry.path().string();
    EXPECT_EQ(check.fault(json_of(parse_document(read_file(file), file))), "") << file;
    const std::string resolved = read_scenario(file, {}).resolved;
    EXPECT_EQ(check.fault(json_of(parse_document(resolved, file))), "") << file << "\n" << resolved;
    ++count;
  }
  EXPECT_GE(count, 7);
}

std::set<std::string> keys_of(const Json& map) {
  std::set<std::string> keys;
  for (const auto& [key, value] : map["properties"].items()) keys.insert(key);
  return keys;
}

// The keys that a reader allows when it meets a wrong one.
std::set<std::string> keys_read(const Place& wrong, const Json& scenario) {
  std::set<std::string> read;
  const std::string start = "unknown key; allowed: ";
  for (const Fault& fault : faults(scenario)) {
    if (fault.path != path_text(wrong) || !fault.allowed.starts_with(start)) continue;
    std::istringstream words(fault.allowed.substr(start.size()));
    for (std::string key; words >> key;) read.insert(key.substr(0, key.find(',')));
  }
  return read;
}

TEST(ScenarioSchema, HasTheKeysOfEveryReader) {
  std::size_t maps = 0;
  walk(scenario_schema(), {}, [&](const Place& place, const Json& schema) {
    if (schema.value("additionalProperties", Json()) != false) return;
    if (place.size() == 4 && place[2] == "faults") return;  // They depend on what fails.
    ++maps;
    Place wrong = place;
    wrong.push_back(kWrong);
    const Json scenario = with(wrong, 1);
    EXPECT_NE(SchemaCheck(scenario_schema()).fault(scenario), "");
    EXPECT_EQ(keys_of(schema), keys_read(wrong, scenario)) << path_text(place);
  });
  EXPECT_GE(maps, 25u);
}

TEST(ScenarioSchema, HasTheKeysOfEveryKindOfFault) {
  std::set<std::string> read;
  for (const char* entry :
       {"{link: nic, speed: 0}", "{link: scale-up, node: 0, speed: 0}", "{link: fabric, speed: 0}",
        "{gpu: 0, speed: 0.5}", "{gpu: 0, fails: 1 s}"}) {
    const Place place = {"cases", "0", "faults", "0"};
    Json scenario = with(place, json_of(YAML::Load(entry)));
    Place wrong = place;
    wrong.push_back(kWrong);
    scenario["cases"][0]["faults"][0][kWrong] = 1;
    read.merge(keys_read(wrong, scenario));
  }
  read.insert("fails");  // Its presence decides; a reader asks for it by its presence.
  const Json form = scenario_schema()["properties"]["cases"]["items"]["properties"]["faults"];
  EXPECT_EQ(keys_of(form["items"]), read);
}

TEST(ScenarioSchema, HasTheWordsBoundsAndUnitsOfEveryReader) {
  std::size_t values = 0;
  walk(scenario_schema(), {}, [&](const Place& place, const Json& schema) {
    const std::string message = expected_message(schema);
    if (message.empty()) return;
    ++values;
    const Json scenario = with(place, kWrong);
    EXPECT_NE(SchemaCheck(schema).fault(kWrong), "") << path_text(place);
    const auto all = faults(scenario);
    EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                            [&](const Fault& fault) {
                              return fault.path == path_text(place) &&
                                     fault.allowed.starts_with(message);
                            }))
        << path_text(place) << ": " << message << "\n"
        << shown(all);
  });
  EXPECT_GE(values, 110u);
}

// The scenario resolved; "" if it is refused.
std::string resolved(const Json& scenario) {
  try {
    return read_text(scenario.dump(1)).resolved;
  } catch (const InputError&) {
    return "";
  }
}

// Keys that the reading of another key depends on.
void give_what_decides(const std::string& key, Json& one) {
  if (key == "alpha") one["router"]["tokens"] = "power_law";
  if (key != "pp" && key != "attention_dp") return;
  const int tp = one.contains("prefill") ? 4 : 8;
  for (const char* pool : {"parallel", "prefill"}) {
    if (pool == std::string("parallel") || one.contains(pool)) one[pool]["tp"] = tp;
  }
}

TEST(ScenarioSchema, DefaultsAreWhatReadersTakeWithoutTheKey) {
  std::size_t values = 0;
  walk(scenario_schema(), {}, [&](const Place& place, const Json& schema) {
    if (!schema.contains("default")) return;
    Json given = with(place, schema["default"]);
    give_what_decides(place.back(), given["cases"][0]);
    Json absent = given;
    Json* at = &absent;
    for (std::size_t i = 0; i + 1 < place.size(); ++i) {
      at = place[i] == "0" ? &(*at)[0] : &(*at)[place[i]];
    }
    at->erase(place.back());
    EXPECT_EQ(shown(faults(given)), shown(faults(absent))) << path_text(place);
    EXPECT_EQ(resolved(given), resolved(absent)) << path_text(place);
    ++values;
  });
  EXPECT_GE(values, 35u);
}

TEST(ScenarioSchema, RefusesWhatMissesAKeyThatMustBeThere) {
  const SchemaCheck check(scenario_schema());
  const Json base = with({}, json_of(parse_document(kMoe, "s.yaml")));
  ASSERT_EQ(check.fault(base), "");
  for (const char* key : {"schema", "name", "workload", "cases"}) {
    Json changed = base;
    changed.erase(key);
    EXPECT_NE(check.fault(changed), "") << key;
    EXPECT_FALSE(faults(changed).empty()) << key;
  }
  for (const char* key : {"name", "model", "cluster"}) {
    Json changed = base;
    changed["cases"][0].erase(key);
    EXPECT_NE(check.fault(changed), "") << key;
    EXPECT_FALSE(faults(changed).empty()) << key;
  }
  for (const char* requests : {"{poisson: 8}", "{trace: t.csv}", "{}", "{closed_loop: {}}"}) {
    const Json changed = with({"workload", "requests"}, json_of(YAML::Load(requests)));
    EXPECT_NE(check.fault(changed), "") << requests;
    EXPECT_FALSE(faults(changed).empty()) << requests;
  }
}

}  // namespace
}  // namespace moesim
