// Fabrics between nodes, the sites they stand in, and what the model is off by.
#include "hardware/profile_reader.h"

namespace moesim {

FabricSpec read_fabric(const ProfileFile& file, Faults& faults) {
  FabricSpec fabric;
  fabric.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return fabric;
  reader->required_text("title", "what the fabric is, in words");
  constexpr FabricKind kKinds[] = {FabricKind::kNone, FabricKind::kRailFatTree,
                                   FabricKind::kFatTree};
  fabric.kind = kKinds[reader->required_choice("kind", {"none", "rail-fat-tree", "fat-tree"})];
  if (fabric.kind != FabricKind::kNone) {
    constexpr NumberRule kPower{Dimension::kPower, 0.01, 1e6};
    constexpr NumberRule kPrice{Dimension::kMoney, 1, 1e8, true};
    fabric.switch_ports = reader->required_count("switch_ports", 65536);
    if (fabric.switch_ports < 4) reader->fault("switch_ports", "at least 4");
    fabric.port_bandwidth =
        BytesPerSecond(reader->required("port_bandwidth", {Dimension::kBandwidth, 1e6, 1e15}));
    fabric.oversubscription =
        reader->required("oversubscription", {.min = 1, .max = 64, .exact = true});
    fabric.switch_power = Watts(reader->required("switch_power", kPower));
    fabric.optic_power = Watts(reader->required("optic_power", kPower));
    fabric.switch_price_usd = reader->number_or("switch_price", 0, kPrice);
  }
  fabric.facts = reader->finish();
  return fabric;
}

SiteSpec read_site(const ProfileFile& file, Faults& faults) {
  SiteSpec site;
  site.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return site;
  constexpr double kPerKwh = 1 / 3.6e6;
  constexpr NumberRule kCarbon{Dimension::kCarbonPerEnergy, 1e-4 * kPerKwh, 3 * kPerKwh};
  constexpr NumberRule kPrice{Dimension::kMoneyPerEnergy, 1e-4 * kPerKwh, 10 * kPerKwh, true};
  reader->required_text("title", "what the site is, in words");
  site.pue = reader->required("pue", {std::nullopt, 1, 5});
  site.carbon_kg_per_joule = reader->required("carbon", kCarbon);
  site.electricity_usd_per_joule = reader->required("electricity", kPrice);
  site.facts = reader->finish();
  return site;
}

ModelError read_model_error(const ProfileFile& file, Faults& faults) {
  ModelError error;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return error;
  constexpr NumberRule kFactor{std::nullopt, 0.1, 10};
  reader->required_text("title", "what is off, in words");
  error.step_time = reader->required("step_time", kFactor);
  error.device_power = reader->required("device_power", kFactor);
  error.first_token = reader->required("first_token", kFactor);
  error.facts = reader->finish();
  return error;
}

}  // namespace moesim
