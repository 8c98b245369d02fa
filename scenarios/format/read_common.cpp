#include "scenarios/format/read_common.h"

#include "hardware/read/profiles.h"
#include "scenarios/format/keys/site_keys.h"
#include "scenarios/format/read_quality.h"
#include "scenarios/format/read_workload.h"

namespace moesim {
namespace {

std::string region_of(const Value& value) {
  const std::vector<std::string> names = profile_names("sites");
  const auto choice = value.choice(names);
  return choice ? names[*choice] : std::string(kDefaultRegion);
}

// germany, or {region: germany, pue: 1.25, carbon: 380 gCO2e/kWh, electricity: 0.11 USD/kWh}.
// What says no more than the region's profile is as uncertain as the profile.
SiteSpec read_site(const Value& value, const Variation& variation) {
  if (value.is_scalar()) return load_site(region_of(value), variation);
  auto map = open_map(value, site_keys());
  if (!map) return {};
  const auto region = map->optional("region");
  const std::string name = region ? region_of(*region) : std::string(kDefaultRegion);
  const SiteSpec profiled = load_site(name);
  SiteSpec given = profiled;
  read_keys(*map, site_keys().keys, given);
  map->done();
  SiteSpec site = load_site(name, variation);
  for (const Key<SiteSpec>& row : site_keys().keys) {
    if (row.member && !row.member->same(given, profiled)) row.member->copy(given, site);
  }
  return site;
}

}  // namespace

Common read_common(MapReader& reader, Workloads& workloads, const Variation& variation) {
  const ReadLog log;
  Common common;
  std::optional<Value> workload;
  read_keys(reader, scenario_keys(), common,
            {{"schema",
              [](const auto& schema) {
                if (schema && !(schema->is_scalar() && schema->node().Scalar() == kSchemaVersion)) {
                  schema->fault("schema: 1 expected; no other is known");
                }
              }},
             {"site",
              [&](const auto& site) {
                common.site =
                    site ? read_site(*site, variation) : load_site(kDefaultRegion, variation);
              }},
             {"workload", [&](const auto& value) { workload = value; }},
             {"quality",
              [&](const auto& quality) {
                if (quality) common.training = read_quality(*quality);
              }},
             {"twins",
              [&](const auto& twins) {
                if (twins) common.twins = read_twins(*twins);
              }},
             {"demand", [&](const auto& demand) {
                if (demand) common.demand = read_demand(*demand);
              }}});
  if (!workload) return common;
  const std::uint64_t seed = common.seed + static_cast<std::uint64_t>(variation.sample);
  const std::string name = std::to_string(seed) + value_text(workload->node());
  common.workload = made_once(workloads, name, [&] {
    return std::make_shared<const Workload>(read_workload(*workload, seed, variation));
  });
  common.files = log.files();
  return common;
}

}  // namespace moesim
