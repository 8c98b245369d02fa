// Fabrics between nodes: what each family asks for, and what its switches and optics draw and cost.
#include "hardware/read/profile_reader.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostPorts = 65536;
// Line rates and wiring are as they are bought: draws leave them alone.
constexpr NumberRule kBandwidth{
    .dimension = Dimension::kBandwidth, .min = 1e6, .max = 1e15, .exact = true};
constexpr NumberRule kOversubscription{.min = 1, .max = 64, .exact = true};

// The first of the choices where the profile names none.
void read_routing(ProfileReader& reader, FabricSpec& fabric,
                  const std::array<FabricRouting, 2>& choices) {
  fabric.routing = choices.front();
  if (!reader.has("routing")) return;
  fabric.routing =
      reader.required_choice<FabricRouting>("routing", choices).value_or(fabric.routing);
}

void read_switch(ProfileReader& reader, FabricSpec& fabric) {
  fabric.switch_ports = reader.required_count("switch_ports", kMostPorts);
  if (fabric.switch_ports < 4) reader.fault("switch_ports", "at least 4");
  fabric.port_bandwidth = BytesPerSecond(reader.required("port_bandwidth", kBandwidth));
}

void read_fat_tree(ProfileReader& reader, FabricSpec& fabric) {
  read_switch(reader, fabric);
  fabric.oversubscription = reader.required("oversubscription", kOversubscription);
  fabric.core_oversubscription = reader.number_or("core_oversubscription", 1, kOversubscription);
  if (reader.has("levels")) fabric.levels = reader.required_count("levels", 3);
  if (fabric.levels < 2) reader.fault("levels", "2 or 3");
  read_routing(reader, fabric, {FabricRouting::kSpread, FabricRouting::kEcmp});
}

void read_dragonfly(ProfileReader& reader, FabricSpec& fabric) {
  read_switch(reader, fabric);
  fabric.endpoint_ports = reader.required_count("endpoint_ports", kMostPorts);
  fabric.group_switches = reader.required_count("group_switches", kMostPorts);
  if (fabric.endpoint_ports + fabric.group_switches - 1 > fabric.switch_ports) {
    reader.fault("switch_ports",
                 "at least endpoint_ports + group_switches - 1, and more to join "
                 "groups");
  }
  read_routing(reader, fabric, {FabricRouting::kMinimal, FabricRouting::kValiant});
}

void read_torus(ProfileReader& reader, FabricSpec& fabric) {
  constexpr std::int64_t kMostDimensions = 3;
  fabric.dimensions = reader.required_count("dimensions", kMostDimensions);
  fabric.port_bandwidth = BytesPerSecond(reader.number_or("port_bandwidth", 0, kBandwidth));
  read_routing(reader, fabric, {FabricRouting::kMinimal, FabricRouting::kValiant});
}

void read_power_and_price(ProfileReader& reader, FabricSpec& fabric) {
  constexpr NumberRule kPower{Dimension::kPower, 0.01, 1e6};
  constexpr NumberRule kPrice{Dimension::kMoney, 1, 1e8, true};
  if (fabric.kind != FabricKind::kTorus) {
    fabric.switch_power = Watts(reader.required("switch_power", kPower));
    fabric.switch_price_usd = reader.number_or("switch_price", 0, kPrice);
  }
  fabric.optic_power = Watts(reader.required("optic_power", kPower));
  fabric.optic_price_usd = reader.number_or("optic_price", 0, kPrice);
  fabric.price_date = reader.date_of("optic_price");
}

}  // namespace

FabricSpec read_fabric(const ProfileFile& file, Faults& faults) {
  FabricSpec fabric;
  fabric.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return fabric;
  reader->required_text("title", "what the fabric is, in words");
  fabric.kind = reader->required_choice<FabricKind>("kind").value_or(FabricKind::kNone);
  if (fabric.kind == FabricKind::kDragonfly) {
    read_dragonfly(*reader, fabric);
  } else if (fabric.kind == FabricKind::kTorus) {
    read_torus(*reader, fabric);
  } else if (fabric.kind != FabricKind::kNone) {
    read_fat_tree(*reader, fabric);
  }
  if (fabric.kind != FabricKind::kNone) read_power_and_price(*reader, fabric);
  fabric.facts = reader->finish();
  return fabric;
}

}  // namespace moesim
