#include "scenarios/format/schema/scenario_schema.h"

#include "base/dtype.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"
#include "models/placement/placement.h"
#include "models/spec/dense_twin.h"
#include "scenarios/format/schema/schema_parts.h"

namespace moesim {
namespace {

using namespace schema;

constexpr std::int64_t kMaxWidth = 1'000'000;
constexpr std::int64_t kMaxNodes = 100'000;

Json of_model(const Json& schema) {
  return by_default_as("the model's", schema);
}

Json model() {
  const Json name = name_or_path(catalog_names(),
                                 "A model of `moesim list models`, or the path of a config.json");
  return either(
      {name, map_of("A model with other sizes",
                    {{"name", name, Need::kRequired},
                     {"num_experts", of_model(whole_number(1, kMaxWidth, "Routed experts"))},
                     {"top_k", of_model(whole_number(1, kMaxWidth, "Experts of a token"))},
                     {"expert_width",
                      of_model(whole_number(1, kMaxWidth, "Intermediate width of an expert"))},
                     {"num_layers", of_model(whole_number(1, kMaxWidth, "Layers"))}})},
      "The model: a name or path, or a map with other sizes");
}

Json cluster() {
  return map_of(
      "The machines that the case has for itself",
      {{"node", name_or_path(profile_names("nodes"), "A node of `moesim list hardware`, or a file"),
        Need::kRequired},
       {"nodes", by_default(1, whole_number(1, kMaxNodes, "Number of nodes"))},
       {"fabric", by_default_as("rail-fat-tree between several nodes",
                                name_or_path(profile_names("fabrics"), "Network between nodes"))},
       {"routing",
        by_default_as("the fabric's",
                      word<FabricRouting>("How the fabric chooses routes: spread or ecmp on fat "
                                          "trees, minimal or valiant on dragonflies and tori"))},
       {"shape", by_default_as("as cubic as can be",
                               list_of("Lengths of a torus, e.g. [4, 4, 4]",
                                       whole_number(1, kMaxNodes, "Length in one dimension")))}});
}

Json dtypes() {
  const std::vector<std::string> words = words_of<Dtype>();
  return by_default_as(
      "as published",
      map_of("Number formats",
             {{"weights", by_default_as("as published", one_of(words, "Weights"))},
              {"experts", by_default_as("as weights if these are given, else as published",
                                        one_of(words, "Weights of the routed experts"))},
              {"kv", by_default("bf16", one_of(words, "KV cache"))},
              {"dispatch", by_default_as("fp8 if weights are fp8, else bf16",
                                         one_of(words, "Tokens that travel to their experts"))}}));
}

Json plan(const std::string& meaning, const std::string& replicas) {
  const auto width = [](const char* what, const std::string& otherwise) {
    return by_default_as(otherwise, whole_number(1, kMaxWidth, what));
  };
  const auto one = [](const char* what) { return by_default(1, whole_number(1, kMaxWidth, what)); };
  return map_of(
      meaning,
      {{"tp", width("Tensor-parallel ranks", "the devices of a node; 1 beside pp or attention_dp")},
       {"pp", one("Pipeline stages")},
       {"attention_dp", one("Copies of attention, each with requests of its own")},
       {"ep", width("Ranks that experts are spread over",
                    "all ranks of a stage beside attention_dp above 1, else 1")},
       {"moe_tp", width("Ranks that each expert is sliced over", "tp x attention_dp / ep")},
       {"replicas", width("Copies of the whole", replicas)}});
}

Json placement() {
  const PlacementSpec spec;
  return by_default_as(
      "linear, placed once",
      map_of(
          "Which rank of expert parallelism has which expert",
          {{"policy",
            by_default("linear", word<PlacementPolicy>(
                                     "By number (linear, round_robin), by load (eplb), or by load "
                                     "and by which experts are chosen together (coactivation)"))},
           {"redundant_experts",
            by_default(0, whole_number(0, kMaxWidth, "Further copies of busy experts, per layer"))},
           {"scope", by_default("auto", word<EplbScope>(
                                            "Whether groups of experts stay within a node "
                                            "(hierarchical), or experts lie anywhere; auto decides "
                                            "by the model's groups"))},
           {"replicas", by_default("dynamic", word<ReplicaChoice>(
                                                  "How tokens choose between copies of an expert: "
                                                  "each in turn, or the nearest one always"))},
           {"rebalance_steps",
            by_default(0, whole_number(0, 1'000'000'000,
                                       "Steps between placements by the load seen; 0 = placed "
                                       "once"))},
           {"rebalance_gain",
            by_default(spec.rebalance_gain,
                       number(0, 10,
                              "By how much the fullest group's load over the mean has to fall for "
                              "a layer's experts to move; 0 = always, as vLLM and SGLang do"))},
           {"profile", by_default("held_out", word<PlacementProfile>(
                                                  "Tokens that a placement by load is made for: "
                                                  "others than are served, or the same"))}}));
}

Json quality() {
  const Json tokens = number(1e6, 1e15, "Tokens that the model was trained on");
  return by_default_as(
      "published tokens, else 20 per active parameter",
      map_of("What the predicted loss rests on", {{"training_tokens", tokens, Need::kRequired}}));
}

Json twins() {
  const std::string meaning = "What the dense twin of an MoE model shares with it";
  const Json match = word<TwinMatch>(meaning);
  return by_default_as(
      "none", either({match, list_of(meaning, match)},
                     "Dense models to compare with, on the same cluster in their own layout: of "
                     "equal active parameters, total parameters, memory (weights and the KV cache "
                     "of the sequences it can run), or predicted quality"));
}

Json demand() {
  const Json elasticity =
      number(0, 5, "By how many per cent demand grows when the price of a token falls by 1 %");
  return by_default_as(
      "none",
      map_of("How demand answers to price: adds the monthly bill, energy and carbon at that demand",
             {{"elasticity", elasticity, Need::kRequired},
              {"reference", by_default_as("the first case",
                                          text("Case at whose price demand is as in workload"))}}));
}

Json report_name(const char* meaning) {
  Json name = text(meaning);
  name["maxLength"] = 100;
  return name;
}

std::vector<Key> layout() {
  return {
      {"parallel",
       by_default_as("one replica per node, sliced over its devices",
                     plan("Layout of the workers (of the decode workers, beside prefill)",
                          "as many as fit the cluster"))},
      {"prefill",
       by_default_as("none: one pool does both",
                     plan("Layout of prefill workers of their own, which send each prompt's KV "
                          "cache to a decode worker",
                          "1"))},
  };
}

Json one_case() {
  std::vector<Key> keys = {
      {"name", report_name("Name of the case, as reports, sweeps and --set call it"),
       Need::kRequired},
      {"model", model(), Need::kRequired},
      {"cluster", cluster(), Need::kRequired},
      {"dtype", dtypes()}};
  for (Key& key : layout()) keys.push_back(std::move(key));
  const std::vector<Key> rest = {
      {"router", router()},
      {"placement", placement()},
      {"engine", engine()},
      {"faults", faults()},
      {"quality", quality()},
      {"twins", twins()},
      {"power_limit",
       by_default_as("data sheet", quantity(Dimension::kPower, "Power limit of a device"))},
      {"rent_per_device", by_default_as("the device profile's indicative price",
                                        quantity(Dimension::kMoneyPerHour, "Price of a device"))}};
  keys.insert(keys.end(), rest.begin(), rest.end());
  return map_of("A deployment: one model on one cluster", keys);
}

Json site() {
  const Json region = by_default(
      "world-average", one_of(profile_names("sites"), "A site of `moesim list hardware`"));
  const auto of_region = [](const Json& schema) { return by_default_as("the region's", schema); };
  return by_default_as(
      "world-average",
      either({region,
              map_of("A site with numbers of your own",
                     {{"region", region},
                      {"pue", of_region(number(
                                  1, 10, "Energy of the facility over that of the machines"))},
                      {"carbon",
                       of_region(quantity(Dimension::kCarbonPerEnergy, "Carbon of electricity"))},
                      {"electricity",
                       of_region(quantity(Dimension::kMoneyPerEnergy, "Price of electricity"))}})},
             "Where it stands: a region, or a map"));
}

}  // namespace

Json scenario_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "moesim scenario"}};
  Json version = {{"const", 1}, {"description", "Version of this format"}};
  schema.update(map_of(
      "A scenario: a question, the traffic, and the cases to compare",
      {{"schema", version, Need::kRequired},
       {"name", report_name("Name of the report"), Need::kRequired},
       {"question", by_default_as("none", text("What the report is to answer, its headline"))},
       {"seed", by_default(0, whole_number(0, 1'000'000'000'000, "Seed of everything drawn"))},
       {"site", site()},
       {"workload", workload(), Need::kRequired},
       {"cases", list_of("What is compared", one_case()), Need::kRequired},
       {"quality", quality()},
       {"twins", twins()},
       {"demand", demand()},
       {"sweep", sweep()}}));
  return schema;
}

}  // namespace moesim
