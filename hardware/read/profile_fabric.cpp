// Fabrics between nodes: what each kind asks for, and what its switches and optics draw and cost.
#include <array>

#include "hardware/read/profile_tables.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostPorts = 65536;
constexpr form::Whole kPorts{1, kMostPorts};
constexpr form::Quantity kBandwidth{.dimension = Dimension::kBandwidth, .max = 1e15, .min = 1e6};
constexpr form::Number kOversubscription{1, 64};
constexpr form::Quantity kPower{.dimension = Dimension::kPower, .max = 1e6, .min = 0.01};
constexpr form::Quantity kPrice{.dimension = Dimension::kMoney, .max = 1e8, .min = 1};
constexpr std::array kOfTrees = {FabricRouting::kSpread, FabricRouting::kEcmp};
constexpr std::array kOfDetours = {FabricRouting::kMinimal, FabricRouting::kValiant};

bool is_fat_tree(const FabricSpec& fabric) {
  return fabric.kind == FabricKind::kRailFatTree || fabric.kind == FabricKind::kFatTree;
}
bool is_dragonfly(const FabricSpec& fabric) {
  return fabric.kind == FabricKind::kDragonfly;
}
bool is_torus(const FabricSpec& fabric) {
  return fabric.kind == FabricKind::kTorus;
}
bool has_switches(const FabricSpec& fabric) {
  return is_fat_tree(fabric) || is_dragonfly(fabric);
}
bool has_links(const FabricSpec& fabric) {
  return fabric.kind != FabricKind::kNone;
}
bool has_detours(const FabricSpec& fabric) {
  return is_dragonfly(fabric) || is_torus(fabric);
}

// A dragonfly or torus goes the shortest way unless its profile says otherwise.
void check_fabric(ProfileReader& reader, FabricSpec& fabric) {
  if (has_detours(fabric) && !reader.has("routing")) fabric.routing = FabricRouting::kMinimal;
  if (is_dragonfly(fabric) &&
      fabric.endpoint_ports + fabric.group_switches - 1 > fabric.switch_ports) {
    reader.fault("switch_ports",
                 "at least endpoint_ports + group_switches - 1, and more to join "
                 "groups");
  }
  fabric.price_date = reader.date_of("optic_price");
}

using F = FabricSpec;
using enum Enters;

ProfileKey<F> of_trees(ProfileKey<F> row) {
  return where(is_fat_tree, "fat trees", std::move(row));
}
ProfileKey<F> of_dragonflies(ProfileKey<F> row) {
  return where(is_dragonfly, "dragonflies", std::move(row));
}
ProfileKey<F> of_tori(ProfileKey<F> row) {
  return where(is_torus, "tori", std::move(row));
}
ProfileKey<F> of_switches(ProfileKey<F> row) {
  return where(has_switches, "fat trees, dragonflies", std::move(row));
}
ProfileKey<F> of_links(ProfileKey<F> row) {
  return where(has_links, "all but none", std::move(row));
}

// Line rates and wiring are as they are bought: samples leave them alone.
ProfileKeys<F> structure_keys() {
  return {
      note<F>("title", "The fabric in words"),
      given(key(&F::kind, "kind", form::Word<FabricKind>{}, kRequired, "How it is built")),
      of_switches(setting(kTime, key(&F::switch_ports, "switch_ports", form::Whole{4, kMostPorts},
                                     kRequired, "Ports of a switch"))),
      of_switches(setting(kTime, key(&F::port_bandwidth, "port_bandwidth", kBandwidth, kRequired,
                                     "Bandwidth of a switch port per direction; a faster NIC takes "
                                     "several"))),
      of_trees(setting(kTime, key(&F::oversubscription, "oversubscription", kOversubscription,
                                  kRequired, "Down-link over up-link bandwidth of a leaf"))),
      of_trees(
          setting(kTime, key(&F::core_oversubscription, "core_oversubscription", kOversubscription,
                             kAsBuilt, "The same of a pod, where there are three levels"))),
      of_trees(setting(kTime, key(&F::levels, "levels", form::Whole{2, 3}, kAsBuilt,
                                  "Levels of switches at most; smaller clusters need fewer"))),
      of_dragonflies(setting(kTime, key(&F::endpoint_ports, "endpoint_ports", kPorts, kRequired,
                                        "Ports of a switch that lead to NICs"))),
      of_dragonflies(setting(kTime, key(&F::group_switches, "group_switches", kPorts, kRequired,
                                        "Switches of a group, each joined to each"))),
      of_tori(setting(kTime, key(&F::dimensions, "dimensions", form::Whole{1, 3}, kRequired,
                                 "Dimensions of the torus"))),
      of_tori(setting(kTime, key(&F::port_bandwidth, "port_bandwidth", kBandwidth,
                                 otherwise("the NIC's, shared evenly by the neighbours"),
                                 "Bandwidth of a link to a neighbour per direction")))};
}

ProfileKeys<F> routing_keys() {
  return {of_trees(given(key(&F::routing, "routing", form::Word<FabricRouting>{kOfTrees},
                             by_default("spread"),
                             "Choice of paths: packets over all up-links alike (spread), or a flow "
                             "over one of them, picked by a hash of its ends (ecmp)"))),
          where(has_detours, "dragonflies, tori",
                given(key(&F::routing, "routing", form::Word<FabricRouting>{kOfDetours},
                          by_default("minimal"),
                          "Choice of paths: the shortest (minimal), or by way of a third group or "
                          "node, picked by a hash of the ends (valiant)")))};
}

ProfileKeys<F> bill_keys() {
  return {of_switches(uncertain(kEnergy, key(&F::switch_power, "switch_power", kPower, kRequired,
                                             "Power of a switch"))),
          of_switches(price(key(&F::switch_price, "switch_price", kPrice, otherwise("not known"),
                                "Price of a switch"))),
          of_links(uncertain(kEnergy, key(&F::optic_power, "optic_power", kPower, kRequired,
                                          "Power of one end of a cable"))),
          of_links(price(key(&F::optic_price, "optic_price", kPrice, otherwise("not known"),
                             "Price of one end of a cable")))};
}

ProfileKeys<F> all_keys() {
  ProfileKeys<F> keys = structure_keys();
  for (const auto& more : {routing_keys(), bill_keys()}) {
    keys.insert(keys.end(), more.begin(), more.end());
  }
  return keys;
}

}  // namespace

const ProfileKeys<FabricSpec>& fabric_keys() {
  static const ProfileKeys<F> kKeys = all_keys();
  return kKeys;
}

FabricSpec read_fabric(const ProfileFile& file, Faults& faults) {
  return read_profile(file, fabric_keys(), faults, check_fabric);
}

}  // namespace moesim
