#include "scenarios/format/read_common.h"

#include "hardware/read/profiles.h"
#include "scenarios/format/read_value.h"
#include "scenarios/format/read_workload.h"
#include "scenarios/sweep/paths.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxSeed = 1'000'000'000'000;
constexpr QuantityLimit kMaxCarbon = {100.0 / 3.6e6, "100 kgCO2e/kWh"};
constexpr QuantityLimit kMaxElectricity = {1000.0 / 3.6e6, "1000 USD/kWh"};

// germany, or {region: germany, pue: 1.25, carbon: 380 gCO2e/kWh, electricity: 0.11 USD/kWh}.
SiteSpec read_site(const std::optional<Value>& value, const Variation& variation) {
  std::string region = "world-average";
  const auto name_of = [](const Value& name) {
    const auto choice = name.choice(profile_names("sites"));
    return choice ? profile_names("sites")[*choice] : std::string("world-average");
  };
  if (!value) return load_site(region, variation);
  if (value->is_scalar()) return load_site(name_of(*value), variation);
  auto reader = map_like(*value, "{region: germany, pue: 1.25}");
  if (!reader) return {};
  MapReader& map = *reader;
  if (const auto name = map.optional("region")) region = name_of(*name);
  SiteSpec site = load_site(region, variation);
  // What says no more than the site's profile is as uncertain as the profile.
  const SiteSpec profiled = load_site(region);
  const auto set = [](double given, double stated, double& number) {
    if (given != stated) number = given;
  };
  set(map.number_or("pue", profiled.pue, 1, 10), profiled.pue, site.pue);
  set(quantity_up_to(map, "carbon", Dimension::kCarbonPerEnergy, profiled.carbon_kg_per_joule,
                     kMaxCarbon),
      profiled.carbon_kg_per_joule, site.carbon_kg_per_joule);
  set(quantity_up_to(map, "electricity", Dimension::kMoneyPerEnergy,
                     profiled.electricity_usd_per_joule, kMaxElectricity),
      profiled.electricity_usd_per_joule, site.electricity_usd_per_joule);
  map.done();
  return site;
}

}  // namespace

Common read_common(MapReader& reader, Workloads& workloads, const Variation& variation) {
  const ReadLog log;
  Common common;
  const auto schema = reader.required("schema", "schema: 1 expected");
  if (schema && !(schema->is_scalar() && schema->node().Scalar() == "1")) {
    schema->fault("schema: 1 expected; no other is known");
  }
  common.name = report_name(reader);
  common.question = reader.text_or("question", "");
  common.seed = static_cast<std::uint64_t>(reader.integer_or("seed", 0, 0, kMaxSeed));
  common.site = read_site(reader.optional("site"), variation);
  common.training = read_quality(reader);
  common.demand = read_demand(reader);
  common.twins = read_twins(reader).value_or(std::vector<TwinMatch>{});
  const auto value = reader.required("workload", "a map of requests and lengths expected");
  if (!value) return common;
  const std::uint64_t seed = common.seed + static_cast<std::uint64_t>(variation.sample);
  const std::string name = std::to_string(seed) + value_text(value->node());
  common.workload = made_once(workloads, name, [&] {
    return std::make_shared<const Workload>(read_workload(*value, seed));
  });
  common.files = log.files();
  return common;
}

}  // namespace moesim
