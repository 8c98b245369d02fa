#include "reports/render/report_schema.h"

#include <string>
#include <vector>

#include "reports/results/metrics.h"
#include "sim/step/spans.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

enum class Presence { kAlways, kSometimes };

struct Field {
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
Json object(const std::vector<Field>& fields) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
  for (const Field& field : fields) {
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
  for (const Metric& entry : metric_table()) keys.push_back(entry.key);
  return {{"enum", keys}};
}

Json metric_values() {
  std::vector<Field> fields;
  for (const Metric& entry : metric_table()) {
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

Json fact() {
  return object({{"path", text("Profile and key.")},
                 {"text", text("The value as the profile writes it.")},
                 {"source", text()},
                 {"confidence", text()}});
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
  std::vector<Field> phases = {{"rank_s", type("number")}};
  for (int p = 0; p < kNumPhases; ++p) {
    const auto phase = static_cast<Phase>(p);
    if (is_communication(phase)) phases.push_back({std::string(phase_name(phase)), type("number")});
  }
  std::vector<Field> algorithms;
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

Json routing() {
  const Json number = type("number"), count = type("integer"), grid = list_of(list_of(number));
  const Json layer = object({{"load_max_over_mean", number},
                             {"load_gini", number},
                             {"load_cv", number},
                             {"load_entropy", number},
                             {"ep_overload", number}});
  const Json period = object({{"replica", count},
                              {"stage", count},
                              {"steps", count},
                              {"ep_overload", number},
                              {"moved_experts", count},
                              {"moved_bytes", number},
                              {"moving_s", number}});
  const Json point = object({{"step", count},
                             {"load_max_over_mean", number},
                             {"load_gini", number},
                             {"dead_experts", number},
                             {"task_loss", number}});
  constexpr auto kSometimes = Presence::kSometimes;
  return object({{"basis", text("What the routing rests on, in a word or two.")},
                 {"provenance", text("The same in a sentence.")},
                 {"expert_load", grid, kSometimes},
                 {"layers", list_of(layer)},
                 {"dispatch_bytes_per_token", grid, kSometimes},
                 {"rebalancing", list_of(period), kSometimes},
                 {"training", list_of(point), kSometimes}});
}

Json imbalance() {
  const Json effect = object(
      {{"value", type("number")}, {"balanced", type("number")}, {"change_share", type("number")}});
  return {{"anyOf", {type("null"), by_metric(effect)}},
          {"description", "What imbalance costs; null without a balanced baseline."}};
}

Json doubt() {
  const Json range = {
      {"type", "array"}, {"items", type("number")}, {"minItems", 2}, {"maxItems", 2}};
  Json schema =
      object({{"p10_p90", by_metric(range)}, {"draws", by_metric(list_of(nullable_number()))}});
  schema["description"] = "Intervals, and the draws of what cases are compared by.";
  return schema;
}

Json quality() {
  return object({{"law", text("Scaling law of the predicted loss.")},
                 {"training_tokens", text("How many, and who says so.")},
                 {"training_tokens_assumed", type("boolean")},
                 {"outside_the_law", list_of(text(), "What the law was never fitted to.")}});
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
          {"description", "Monthly bills if demand answers to price; null unless asked."}};
}

Json answers() {
  return object({{"verdict", text("The sentence of every output.")},
                 {"pareto", pareto()},
                 {"break_even", list_of(break_even())},
                 {"demand", demand()}});
}

// The curves and the queue are left out of large sweeps and of baselines.
Json one_case() {
  constexpr auto kSometimes = Presence::kSometimes;
  const Json curve = list_of(type("number"), "At percentiles 0 to 100.");
  const Json points = list_of(type("number"));
  const Json queue = object({{"time_s", points}, {"waiting", points}, {"running", points}});
  const Json settings = {{"type", "object"}, {"additionalProperties", text()}};
  Json statuses = Json::array();
  for (const auto status : {CaseStatus::kDone, CaseStatus::kInfeasible, CaseStatus::kSkipped})
    statuses.push_back(status_name(status));
  return object({{"name", text()},
                 {"point", settings},
                 {"status", {{"enum", statuses}}},
                 {"reason", text("Why it did not run.")},
                 {"remedy", text("What would run.")},
                 {"model", text()},
                 {"hardware", text()},
                 {"layout", text()},
                 {"is_moe", type("boolean")},
                 {"twin_of", text("The MoE case whose dense twin it is.")},
                 {"twin_match", text("What they have in common.")},
                 {"metrics", reference("metrics")},
                 {"quality", quality()},
                 {"network", reference("network")},
                 {"routing", reference("routing")},
                 {"ttft_curve_s", curve, kSometimes},
                 {"tpot_curve_s", curve, kSometimes},
                 {"e2e_curve_s", curve, kSometimes},
                 {"queue", queue, kSometimes},
                 {"baselines", list_of(reference("case"), "The same with simpler routing.")},
                 {"imbalance_cost", imbalance(), kSometimes},
                 {"doubt", doubt(), kSometimes}});
}

}  // namespace

Json report_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "moesim report.json"}};
  schema.update(object(
      {{"context", context()}, {"answers", answers()}, {"cases", list_of(reference("case"))}}));
  schema["$defs"] = {
      {"metric_key", metric_keys()}, {"metrics", metric_values()}, {"fact", fact()},
      {"network", network()},        {"routing", routing()},       {"case", one_case()}};
  return schema;
}

}  // namespace moesim
