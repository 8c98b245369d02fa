#include "scenarios/format/keys/scenario_keys.h"

#include "scenarios/format/keys/case_keys.h"
#include "scenarios/format/keys/quality_keys.h"
#include "scenarios/format/keys/site_keys.h"
#include "scenarios/format/keys/sweep_keys.h"
#include "scenarios/format/keys/workload_keys.h"

namespace moesim {
namespace {

KeyFacts cases_key() {
  const form::Part one{form::Map{facts_of(case_keys()), "{name: moe, model: ..., cluster: ...}"},
                       "A deployment: one model on one cluster"};
  return key("cases", form::List{{one}, "a list of cases, each with name, model, cluster"},
             kRequired, "Cases to compare");
}

}  // namespace

const Keys<Common>& scenario_keys() {
  using C = Common;
  static const Keys<C> keys = {
      key("schema", form::Constant{kSchemaVersion}, kRequired, "Version of this format"),
      key(&C::name, "name", form::Title{}, kRequired, "Name of the report"),
      only_if_set(key(&C::question, "question", form::Text{}, otherwise("none"),
                      "Question of the report, its headline")),
      key(&C::seed, "seed", form::Whole{0, 1'000'000'000'000}, kAsBuilt,
          "Seed of everything drawn"),
      key(&C::confidence, "confidence", form::Number{0, 1}, kAsBuilt,
          "Share of the samples in which a case must keep its service level to be recommended"),
      site_key(),
      workload_key(),
      cases_key(),
      quality_key(),
      twins_key(),
      demand_key(),
      sweep_key(),
  };
  return keys;
}

form::Map scenario_map() {
  return {facts_of(scenario_keys()), "{schema: 1, name: ..., workload: ..., cases: ...}"};
}

}  // namespace moesim
