#include "scenarios/format/keys/site_keys.h"

#include "hardware/read/profiles.h"

namespace moesim {
namespace {

constexpr double kPerKwh = 1 / 3.6e6;
constexpr form::Quantity kCarbon{.dimension = Dimension::kCarbonPerEnergy,
                                 .max = 100 * kPerKwh,
                                 .most = "100 kgCO2e/kWh",
                                 .zero_allowed = true};
constexpr form::Quantity kElectricity{.dimension = Dimension::kMoneyPerEnergy,
                                      .max = 1000 * kPerKwh,
                                      .most = "1000 USD/kWh",
                                      .zero_allowed = true};

form::Name regions() {
  return {[] { return profile_names("sites"); }, "a region, e.g. germany", false};
}

}  // namespace

const KeyMap<SiteSpec>& site_keys() {
  using S = SiteSpec;
  const Default regional = otherwise("the region's");
  static const KeyMap<S> map = {
      "{region: germany, pue: 1.25}",
      {
          key("region", regions(), by_default(kDefaultRegion), "A site of `moesim list hardware`"),
          key(&S::pue, "pue", form::Number{1, 10}, regional,
              "Energy of the facility over that of the machines"),
          key(&S::carbon_kg_per_joule, "carbon", kCarbon, regional, "Carbon of electricity"),
          key(&S::electricity_usd_per_joule, "electricity", kElectricity, regional,
              "Price of electricity"),
      }};
  return map;
}

KeyFacts site_key() {
  const form::Part region{regions(), "A site of `moesim list hardware`"};
  const form::Part own{site_keys().form(), "A site with numbers of your own"};
  return key("site", form::Either{{region, own}, regions().allowed}, otherwise(kDefaultRegion),
             "Site: electricity price, carbon intensity and PUE; a region name, or a map");
}

}  // namespace moesim
