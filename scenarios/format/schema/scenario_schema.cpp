#include "scenarios/format/schema/scenario_schema.h"

#include <nlohmann/json.hpp>

#include "scenarios/format/keys/scenario_keys.h"
#include "scenarios/format/schema/form_schema.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

// A trace brings its own lengths, all others need them; random arrivals that are measured whole
// need an end.
void relate_requests(Json& workload) {
  const auto asks_for = [](const char* kind) -> Json {
    return {{"required", {"requests"}}, {"properties", {{"requests", {{"required", {kind}}}}}}};
  };
  Json whole_poisson = asks_for("poisson");
  whole_poisson["required"].push_back("measure");
  whole_poisson["properties"]["measure"]["const"] = "all";
  const Json has_lengths = {{"required", {"lengths"}}};
  workload["allOf"] = {
      {{"if", asks_for("trace")}, {"then", {{"not", has_lengths}}}, {"else", has_lengths}},
      {{"if", whole_poisson}, {"then", {{"required", {"horizon"}}}}}};
}

// One method and at least one path.
void relate_methods(Json& sample) {
  sample["oneOf"] = {{{"required", {"sobol"}}}, {{"required", {"random"}}}};
  sample["minProperties"] = 2;
}

}  // namespace

Json scenario_schema() {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "moesim scenario"}};
  schema.update(map_schema(scenario_map(), kScenarioMeaning));
  relate_requests(schema["properties"]["workload"]);
  relate_methods(schema["properties"]["sweep"]["properties"]["sample"]);
  return schema;
}

}  // namespace moesim
