#include "scenarios/schema/scenario_schema.h"

#include "base/dtype.h"
#include "hardware/profiles.h"
#include "models/catalog.h"
#include "scenarios/router_names.h"
#include "scenarios/schema/schema_parts.h"

namespace moesim {
namespace {

using namespace schema;

constexpr std::int64_t kMaxWidth = 1'000'000;
constexpr std::int64_t kMaxNodes = 100'000;
constexpr std::int64_t kMaxTokens = 10'000'000;
constexpr std::int64_t kMaxRequests = 10'000'000;
constexpr std::int64_t kMaxUsers = 1'000'000;
constexpr std::int64_t kMaxSamples = 1'000'000;

Json model() {
  const Json name =
      name_or_path(catalog_names(), "A model of the catalog, or the path of a config.json");
  return either({name, map_of({{"name", name, Need::kRequired},
                               {"num_experts", whole_number(1, kMaxWidth, "Routed experts")},
                               {"top_k", whole_number(1, kMaxWidth, "Experts of a token")},
                               {"expert_width", whole_number(1, kMaxWidth, "Width of an expert")},
                               {"num_layers", whole_number(1, kMaxWidth, "Layers")}})},
                "Model, with other sizes if wanted");
}

Json cluster() {
  return map_of(
      {{"node", name_or_path(profile_names("nodes"), "A node profile"), Need::kRequired},
       {"nodes", whole_number(1, kMaxNodes, "Nodes (1)")},
       {"fabric", name_or_path(profile_names("fabrics"), "Network between nodes (rail-fat-tree)")},
       {"routing", word(kFabricRoutings, "How the fabric chooses routes")},
       {"shape", list_of(whole_number(1, kMaxNodes, "Length of a torus in one dimension"))}});
}

Json dtypes() {
  std::vector<std::string> words;
  for (const Dtype dtype : kAllDtypes) words.emplace_back(dtype_name(dtype));
  return map_of({{"weights", one_of(words, "Format of weights (as published)")},
                 {"experts", one_of(words, "Format of the experts (as weights)")},
                 {"kv", one_of(words, "Format of the KV cache (bf16)")},
                 {"dispatch", one_of(words, "Format of tokens that travel to their experts")}});
}

Json plan(const std::string& meaning) {
  const auto width = [](const char* what) { return whole_number(1, kMaxWidth, what); };
  Json plan = map_of({{"tp", width("Tensor-parallel ranks (those of a node)")},
                      {"pp", width("Pipeline stages")},
                      {"attention_dp", width("Copies of attention, each with its own requests")},
                      {"ep", width("Ranks that experts are spread over")},
                      {"moe_tp", width("Ranks that each expert is sliced over")},
                      {"replicas", width("Copies of the whole (as many as fit the cluster)")}});
  plan["description"] = meaning;
  return plan;
}

Json placement() {
  return map_of(
      {{"policy", word(names::kPlacements, "Which rank has which expert")},
       {"redundant_experts", whole_number(0, kMaxWidth, "Further copies of busy experts")},
       {"scope", word(names::kScopes, "Whether experts stay within nodes")},
       {"replicas", word(names::kReplicaChoices, "How tokens choose between copies")},
       {"rebalance_steps", whole_number(0, 1'000'000'000, "Steps between placements; 0 = once")},
       {"rebalance_gain", number(0, 10, "Least fall of the fullest group's load for a move")},
       {"profile", word(names::kProfiles, "Tokens that a placement is made for")}});
}

Json quality() {
  const Json tokens = number(1e6, 1e15, "Tokens that the model was trained on (as published)");
  return map_of({{"training_tokens", tokens, Need::kRequired}});
}

Json twins() {
  const Json match = word(names::kTwins, "What the dense twin has in common with the MoE model");
  return either({match, list_of(match)}, "Dense models to compare with");
}

Json demand() {
  const Json elasticity = number(0, 5, "Growth of demand over fall of the price of a token");
  return map_of({{"elasticity", elasticity, Need::kRequired},
                 {"reference", text("Case whose price demand is known at")}});
}

// Which keys an entry may have depends on what fails.
Json list_of_faults() {
  Json faults = list_of({{"type", "object"}});
  faults["description"] =
      "Links and devices that are slow, down or fail, e.g. {link: nic, node: 3, rail: 5, speed: "
      "0.5} or {gpu: 7, fails: 30 s, detection: 10 s, restart: 2 min}";
  return faults;
}

Json report_name(const char* meaning) {
  Json name = text(meaning);
  name["maxLength"] = 100;
  return name;
}

Json one_case() {
  return map_of(
      {{"name", report_name("Name of the case"), Need::kRequired},
       {"model", model(), Need::kRequired},
       {"cluster", cluster(), Need::kRequired},
       {"dtype", dtypes()},
       {"parallel", plan("Layout of the workers (of decode workers, with prefill)")},
       {"prefill", plan("Layout of prefill workers of their own")},
       {"router", router()},
       {"placement", placement()},
       {"engine", engine()},
       {"faults", list_of_faults()},
       {"quality", quality()},
       {"twins", twins()},
       {"power_limit", quantity(Dimension::kPower, "Power limit of a device (data sheet)")},
       {"rent_per_device", quantity(Dimension::kMoneyPerHour, "Price of a device (indicative)")}});
}

Json site() {
  const Json region = name_or_path(profile_names("sites"), "A site profile (world-average)");
  return either(
      {region,
       map_of({{"region", region},
               {"pue", number(1, 10, "Energy of the facility over that of machines")},
               {"carbon", quantity(Dimension::kCarbonPerEnergy, "Carbon of electricity")},
               {"electricity", quantity(Dimension::kMoneyPerEnergy, "Price of electricity")}})},
      "Where it stands: carbon and price of electricity, PUE");
}

Json length(const std::string& meaning) {
  const Json tokens = whole_number(1, kMaxTokens, "Tokens of every request");
  const Json real = number(1, kMaxTokens, "Tokens");
  const Json lognormal = map_of({{"mean", real, Need::kRequired}, {"p99", real, Need::kRequired}});
  const Json uniform = map_of({{"min", tokens, Need::kRequired}, {"max", tokens, Need::kRequired}});
  Json drawn = map_of({{"lognormal", lognormal}, {"uniform", uniform}});
  drawn["minProperties"] = drawn["maxProperties"] = 1;
  return either({tokens, drawn}, meaning);
}

Json requests() {
  const Json users = whole_number(1, kMaxUsers, "Users who ask again as soon as they are answered");
  const Json count = whole_number(1, kMaxRequests, "Requests");
  const Json closed = map_of({{"concurrency", users, Need::kRequired}, {"requests", count}});
  const Json file = text("A .csv or .jsonl trace of requests");
  const Json trace = map_of({{"file", file, Need::kRequired}, {"limit", count}});
  Json kinds =
      map_of({{"trace", either({file, trace}, "Recorded requests")},
              {"poisson", quantity(Dimension::kRate, "Random arrivals, up to the horizon")},
              {"closed_loop", either({users, closed}, "Users without pause (ten requests each)")},
              {"static", map_of({{"batch", count, Need::kRequired}})}});
  kinds["minProperties"] = kinds["maxProperties"] = 1;
  return kinds;
}

Json workload() {
  const Json input = length("Tokens of a prompt"), output = length("Tokens of an answer");
  const Json limit = quantity(Dimension::kTime, "Limit of the service level");
  Json workload =
      map_of({{"requests", requests(), Need::kRequired},
              {"lengths",
               map_of({{"input", input, Need::kRequired}, {"output", output, Need::kRequired}})},
              {"horizon", quantity(Dimension::kTime, "When the simulation ends")},
              {"slo", map_of({{"ttft_p99", limit}, {"tpot_p99", limit}})}});
  const auto asks_for = [](const char* kind) -> Json {
    return {{"required", {"requests"}}, {"properties", {{"requests", {{"required", {kind}}}}}}};
  };
  const Json has_lengths = {{"required", {"lengths"}}};
  workload["allOf"] = {
      {{"if", asks_for("trace")}, {"then", {{"not", has_lengths}}}, {"else", has_lengths}},
      {{"if", asks_for("poisson")}, {"then", {{"required", {"horizon"}}}}}};
  return workload;
}

// Paths are keys of their own, which only the cases' names can tell.
Json sweep() {
  const Json values = {{"type", "array"}, {"minItems", 1}};
  const Json end = text("A number, with its unit if it has one");
  const Json range = map_of({{"from", end, Need::kRequired},
                             {"to", end, Need::kRequired},
                             {"log", flag("Whether quantiles are of the logarithm")},
                             {"integer", flag("Whether all values are whole")}});
  const Json count = whole_number(1, kMaxSamples, "Points");
  const Json sample = {{"type", "object"},
                       {"properties", {{"sobol", count}, {"random", count}}},
                       {"oneOf", {{{"required", {"sobol"}}}, {{"required", {"random"}}}}},
                       {"minProperties", 2},
                       {"additionalProperties", either({range, values}, "Path and its values")}};
  const Json condition = text("A condition such as ep * tp <= gpus");
  const Json where = either({condition, list_of(condition)}, "Which points are wanted");
  const Json points = list_of({{"type", "object"}});
  return {{"type", "object"},
          {"properties", {{"points", points}, {"sample", sample}, {"where", where}}},
          {"additionalProperties", values},
          {"description", "Paths, e.g. CASE.model.top_k, with the values that they take"}};
}

}  // namespace

Json scenario_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "moesim scenario"}};
  schema.update(map_of({{"schema", {{"const", 1}}, Need::kRequired},
                        {"name", report_name("Name of the report"), Need::kRequired},
                        {"question", text("What the report is to answer")},
                        {"seed", whole_number(0, 1'000'000'000'000, "Of everything drawn (0)")},
                        {"site", site()},
                        {"workload", workload(), Need::kRequired},
                        {"cases", list_of(one_case()), Need::kRequired},
                        {"quality", quality()},
                        {"twins", twins()},
                        {"demand", demand()},
                        {"sweep", sweep()}}));
  return schema;
}

}  // namespace moesim
