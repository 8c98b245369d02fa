#include "reports/render/json/report_schema.h"

#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "reports/results/case_fields.h"
#include "sim/step/spans.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

enum class Presence { kAlways, kSometimes };

struct SchemaField {
  std::string key;
  Json schema;
  Presence presence = Presence::kAlways;
};

Json type(const char* name) {
  return {{"type", name}};
}

Json text(const char* meaning = "") {
  Json schema = type("string");
  if (*meaning != '\0') schema["description"] = meaning;
  return schema;
}

Json list_of(const Json& item, const char* meaning = "") {
  Json schema = {{"type", "array"}, {"items", item}};
  if (*meaning != '\0') schema["description"] = meaning;
  return schema;
}

Json reference(const char* name) {
  return {{"$ref", std::string("#/$defs/") + name}};
}

Json nullable_number() {
  return {{"type", {"number", "null"}}};
}

// Exactly these keys.
Json object(const std::vector<SchemaField>& fields) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
  for (const SchemaField& field : fields) {
    schema["properties"][field.key] = field.schema;
    if (field.presence == Presence::kAlways) schema["required"].push_back(field.key);
  }
  schema["additionalProperties"] = false;
  return schema;
}

// The same value under any of the metrics' keys.
Json by_metric(const Json& value) {
  return {{"type", "object"},
          {"propertyNames", reference("metric_key")},
          {"additionalProperties", value}};
}

Json metric_keys() {
  Json keys = Json::array();
  for (const MetricRow& entry : metric_table()) keys.push_back(entry.key);
  return {{"enum", keys}};
}

Json metric_values() {
  std::vector<SchemaField> fields;
  for (const MetricRow& entry : metric_table()) {
    Json value = nullable_number();
    if (entry.unit == "0/1") value = {{"enum", {0, 1, nullptr}}};
    value["title"] = entry.label;
    value["description"] = entry.meaning + " Null where it does not apply.";
    value["unit"] = entry.unit;
    fields.push_back({entry.key, value});
  }
  Json schema = object(fields);
  schema["description"] = "One case's numbers; the unit is at the end of each key.";
  return schema;
}

template <class T>
Json schema_of(const char* meaning);

// The fields of report.json; those of details are left out of large sweeps and of baselines.
template <HasFields T>
std::vector<SchemaField> fields_of() {
  std::vector<SchemaField> fields;
  for_each_field<T>([&]<class Owner, class Value>(const Field<Owner, Value>& field) {
    if (field.place == Place::kTransport) return;
    fields.push_back({field.key, schema_of<Value>(field.meaning),
                      field.place == Place::kDetail ? Presence::kSometimes : Presence::kAlways});
  });
  return fields;
}

Json status_words() {
  Json words = Json::array();
  for (const auto status : {CaseStatus::kDone, CaseStatus::kInfeasible, CaseStatus::kSkipped,
                            CaseStatus::kFailed})
    words.push_back(status_name(status));
  return {{"enum", words}};
}

Json queue_columns() {
  const Json column = list_of(type("number"));
  return object({{"time_s", column}, {"waiting", column}, {"running", column}});
}

// Of values that have a definition of their own.
template <class T>
const char* definition_of() {
  if constexpr (std::is_same_v<T, CaseMetrics>) return "metrics";
  if constexpr (std::is_same_v<T, NetworkSummary>) return "network";
  if constexpr (std::is_same_v<T, CaseRouting>) return "routing";
  if constexpr (std::is_same_v<T, CaseReport>) return "case";
  return nullptr;
}

template <class T>
Json schema_of(const char* meaning) {
  if (definition_of<T>() != nullptr) return reference(definition_of<T>());
  if constexpr (HasFields<T>) {
    return object(fields_of<T>());
  } else if constexpr (std::is_same_v<T, std::string>) {
    return text(meaning);
  } else if constexpr (std::is_same_v<T, bool>) {
    return type("boolean");
  } else if constexpr (std::is_integral_v<T>) {
    return type("integer");
  } else if constexpr (std::is_same_v<T, CaseStatus>) {
    return status_words();
  } else if constexpr (std::is_same_v<T, decltype(CaseReport::point)>) {
    return {{"type", "object"}, {"additionalProperties", text()}};
  } else if constexpr (std::is_same_v<T, std::vector<QueuePoint>>) {
    return queue_columns();
  } else if constexpr (requires { typename T::value_type; }) {
    return list_of(schema_of<typename T::value_type>(""), meaning);
  } else {
    return type("number");
  }
}

Json context() {
  const Json meaning =
      object({{"group", text()}, {"unit", text()}, {"meaning", text("One sentence.")}});
  const Json provenance = object(
      {{"routing", list_of(text(), "How the tokens of MoE cases were routed.")},
       {"facts_by_confidence", {{"type", "object"}, {"additionalProperties", type("integer")}}},
       {"facts", list_of(reference("fact"), "Every number of the profiles that was used.")}});
  return object({{"program", {{"const", "moesim"}}},
                 {"version", text()},
                 {"schema", {{"const", 1}}},
                 {"scenario", text("Name of the scenario.")},
                 {"question", text()},
                 {"seed", {{"type", "integer"}, {"minimum", 0}}},
                 {"interrupted", type("boolean")},
                 {"verdict", text("The winner and the reason in one sentence.")},
                 {"resolved_scenario", text("YAML with every default: enough to rerun it.")},
                 {"metrics", by_metric(meaning)},
                 {"provenance", provenance}});
}

Json network() {
  std::vector<SchemaField> phases = {{"rank_s", type("number")}};
  for (int p = 0; p < kNumPhases; ++p) {
    const auto phase = static_cast<Phase>(p);
    if (is_communication(phase)) phases.push_back({std::string(phase_name(phase)), type("number")});
  }
  std::vector<SchemaField> algorithms;
  for (const auto& [algorithm, word] : kWords<AllReduce>.rows) {
    if (algorithm != AllReduce::kAuto) algorithms.push_back({word, type("number")});
  }
  Json runs = object(algorithms);
  runs["description"] = "How many all-reduces TP groups ran, by algorithm.";
  phases.push_back({"all_reduces", runs});
  const Json link = object({{"class", text()},
                            {"ports", type("integer")},
                            {"bandwidth_bytes_per_s", type("number")},
                            {"sent_bytes", nullable_number()},
                            {"busy_share", type("number")},
                            {"dispatch_busy_share", type("number")},
                            {"fullest_dispatch_busy_share", type("number")},
                            {"fullest", text("Name of the fullest port.")},
                            {"fullest_receives", type("boolean")},
                            {"energy_j", type("number")},
                            {"doubled_gain_share", nullable_number()}});
  Json steps = object(phases);
  steps["description"] = "Rank-seconds, of all that ranks do and of each kind of communication.";
  return object({{"prompt_steps", steps}, {"decode_steps", steps}, {"links", list_of(link)}});
}

Json imbalance() {
  const Json effect = object(
      {{"value", type("number")}, {"balanced", type("number")}, {"change_share", type("number")}});
  return {{"anyOf", {type("null"), by_metric(effect)}},
          {"description", "What imbalance costs; null without a balanced baseline."}};
}

Json uncertainty() {
  const Json range = {
      {"type", "array"}, {"items", type("number")}, {"minItems", 2}, {"maxItems", 2}};
  Json schema =
      object({{"p10_p90", by_metric(range)}, {"draws", by_metric(list_of(nullable_number()))}});
  schema["description"] = "Intervals, and the samples of the metric by which cases are compared.";
  return schema;
}

Json pareto() {
  const Json key = reference("metric_key"), row = type("integer");
  const Json member =
      object({{"row", row}, {"case", text()}, {"values", by_metric(type("number"))}});
  return object({{"objectives", list_of(key)},
                 {"left_out", list_of(key, "Objectives that not all cases have.")},
                 {"quality_extrapolated", type("boolean")},
                 {"training_tokens_assumed", type("boolean")},
                 {"members", list_of(member, "Cases that none beats in everything.")}});
}

Json break_even() {
  const Json number = type("number");
  const Json point =
      object({{"setting", number}, {"moe", number}, {"dense", number}, {"tie", type("boolean")}});
  const Json crossing = object({{"at", number},
                                {"between", list_of(number)},
                                {"moe_wins_after", type("boolean")},
                                {"reason", text()}});
  return object({{"moe", text()},
                 {"dense", text()},
                 {"path", text("Of the setting, as in sweep.")},
                 {"unit", text()},
                 {"settings", text("All others.")},
                 {"quantity", reference("metric_key")},
                 {"points", list_of(point)},
                 {"crossings", list_of(crossing)},
                 {"words", text()}});
}

Json demand() {
  const Json number = type("number");
  const Json bill = object({{"output_tokens_per_month", number},
                            {"cost_per_month_usd", nullable_number()},
                            {"energy_per_month_kwh", nullable_number()},
                            {"carbon_per_month_kg", nullable_number()}});
  const Json row = object({{"row", type("integer")},
                           {"case", text()},
                           {"reference_row", type("integer")},
                           {"price_over_reference", number},
                           {"demand_over_traffic", number},
                           {"at_traffic", bill},
                           {"at_demand", bill},
                           {"energy_rebound_share", nullable_number()}});
  return {{"anyOf",
           {type("null"), object({{"elasticity", number},
                                  {"reference", text()},
                                  {"rows", list_of(row)},
                                  {"words", text()}})}},
          {"description", "Monthly bills with demand response; null unless asked."}};
}

Json answers() {
  return object({{"verdict", text("The sentence of every output.")},
                 {"pareto", pareto()},
                 {"break_even", list_of(break_even())},
                 {"demand", demand()}});
}

Json one_case() {
  std::vector<SchemaField> fields = fields_of<CaseReport>();
  fields.push_back({"imbalance_cost", imbalance(), Presence::kSometimes});
  fields.push_back({"doubt", uncertainty(), Presence::kSometimes});
  return object(fields);
}

}  // namespace

Json report_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "moesim report.json"}};
  schema.update(object(
      {{"context", context()}, {"answers", answers()}, {"cases", list_of(reference("case"))}}));
  schema["$defs"] = {{"metric_key", metric_keys()},
                     {"metrics", metric_values()},
                     {"fact", object(fields_of<Fact>())},
                     {"network", network()},
                     {"routing", object(fields_of<CaseRouting>())},
                     {"case", one_case()}};
  return schema;
}

}  // namespace moesim
