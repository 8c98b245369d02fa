#include "scenarios/format/keys/case_keys.h"

#include "scenarios/format/keys/cluster_keys.h"
#include "scenarios/format/keys/engine_keys.h"
#include "scenarios/format/keys/fault_keys.h"
#include "scenarios/format/keys/model_keys.h"
#include "scenarios/format/keys/parallel_keys.h"
#include "scenarios/format/keys/placement_keys.h"
#include "scenarios/format/keys/quality_keys.h"
#include "scenarios/format/keys/router_keys.h"

namespace moesim {

const Keys<Deployment>& case_keys() {
  using D = Deployment;
  constexpr form::Quantity kPower{.dimension = Dimension::kPower, .max = 1e5, .most = "100 kW"};
  constexpr form::Quantity kRent{
      .dimension = Dimension::kMoneyPerHour, .max = 1e6, .most = "1000000 USD/h"};
  static const Keys<D> keys = {
      key(&D::name, "name", form::Title{}, kRequired,
          "Name of the case, as reports, sweeps and --set call it"),
      model_key(),
      cluster_key(),
      dtype_key(),
      parallel_key(),
      prefill_key(),
      router_key(),
      placement_key(),
      engine_key(),
      faults_key(),
      quality_key(),
      twins_key(),
      only_if_set(key(&D::power_limit, "power_limit", kPower, otherwise("data sheet"),
                      "Power limit of a device")),
      only_if_set(key(&D::rent_per_device, "rent_per_device", kRent,
                      otherwise("the device profile's indicative price"), "Price of a device")),
  };
  return keys;
}

}  // namespace moesim
