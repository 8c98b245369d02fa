// Accelerators and the nodes that hold them.
#include <filesystem>

#include "hardware/kernels/measured_table.h"
#include "hardware/read/profile_tables.h"

namespace moesim {
namespace {

constexpr form::Whole kUnits{1, 1'000'000};
constexpr form::Quantity kPeak{.dimension = Dimension::kFlopRate, .max = 1e18, .min = 1e9};
constexpr form::Quantity kBandwidth{.dimension = Dimension::kBandwidth, .max = 1e16, .min = 1e6};
constexpr form::Quantity kSize{.dimension = Dimension::kBytes, .max = 1e15, .min = 1e6};
constexpr form::Quantity kPower{.dimension = Dimension::kPower, .max = 1e6, .min = 0.1};
constexpr form::Quantity kHostPower{.dimension = Dimension::kPower, .max = 1e7, .min = 0.1};
constexpr form::Quantity kRent{.dimension = Dimension::kMoneyPerHour, .max = 1e4, .min = 1e-3};
constexpr form::Quantity kPrice{.dimension = Dimension::kMoney, .max = 1e9, .min = 1};

void take_family(const ProfileFile& file, DeviceSpec& device, Faults& faults) {
  device.family = read_family(file, faults);
}

void take_link(const ProfileFile& file, DeviceSpec& device, Faults& faults) {
  device.link = file.name;
  device.link_technology = read_link(file, faults);
}

void take_device(const ProfileFile& file, NodeSpec& node, Faults& faults) {
  node.device = read_device(file, faults);
}

void take_nic(const ProfileFile& file, NodeSpec& node, Faults& faults) {
  node.nic = file.name;
  node.nic_technology = read_link(file, faults);
}

// The factor on the times of a table in this sample, drawn for every table by itself.
double stretch_of(const ProfileReader& reader, const std::string& table, DeviceSpec& device) {
  auto file = find_profile("errors", "measured", nullptr, Fault{}, reader.faults());
  if (!file) return 1;
  file->name += " of " + device.name + " " + table;
  file->variation = reader.file().variation;
  const TableError error = read_table_error(*file, reader.faults());
  device.facts.insert(device.facts.end(), error.facts.begin(), error.facts.end());
  return error.kernel_time;
}

// Tables lie where the profile says, seen from its own folder.
void take_measured(ProfileReader& reader, DeviceSpec& device) {
  std::vector<TableFile> files;
  const std::filesystem::path folder = std::filesystem::path(reader.file().path).parent_path();
  for (const std::string& name : reader.texts_or_none("measured")) {
    files.push_back({(folder / name).string(), name, stretch_of(reader, name, device)});
  }
  if (files.empty()) return;
  device.measured = read_measured_tables(files, device, reader.file().variation.as_stated(),
                                         device.facts, reader.faults());
}

ProfileKey<DeviceSpec> measured() {
  const form::List files{{{form::Text{}, "a CSV file, seen from the profile's folder"}}};
  ProfileKey<DeviceSpec> row{key("measured", files, otherwise("none"),
                                 "Tables of measured kernel times (hardware/profiles/README.md)"),
                             Certainty::kGiven};
  row.take = take_measured;
  return row;
}

void check_device(ProfileReader& reader, DeviceSpec& device) {
  const bool exceeds = device.idle + device.context > device.tdp;
  if (reader.file().variation.as_stated() && device.tdp.value() > 0 && exceeds) {
    reader.fault("idle", "idle and context together must not exceed tdp");
  }
  device.price_date = reader.date_of(reader.has("rent") ? "rent" : "price");
}

// A node's devices and NICs must divide each other, and their links must be ones that we can wire.
void check_node(ProfileReader& reader, NodeSpec& node) {
  if (node.devices > 1 && node.device.link_technology.wiring == LinkWiring::kTorus) {
    reader.fault("devices", "1: a torus joins nodes of one device, as a fabric");
  }
  if (node.devices > kMostMeshDevices && node.device.link_technology.wiring == LinkWiring::kMesh) {
    reader.fault("devices", "at most 64 on a full mesh");
  }
  const bool divides =
      node.nics == 0 || node.devices % node.nics == 0 || node.nics % node.devices == 0;
  if (node.devices > 0 && !divides) {
    reader.fault("nics", "a multiple or a divisor of the number of devices");
  }
  const bool stated = reader.file().variation.as_stated();
  if (stated && node.host_busy < node.host_idle) reader.fault("host_busy", "at least host_idle");
}

}  // namespace

const ProfileKeys<DeviceSpec>& device_keys() {
  using D = DeviceSpec;
  using enum Enters;
  static const ProfileKeys<D> kKeys = {
      given(key(&D::title, "title", form::Text{}, kRequired, "Name of the product")),
      given(key(&D::vendor, "vendor", form::Text{}, kRequired, "Maker")),
      by_format(kTime, &D::peak, "peak", kPeak, kRequired,
                "Dense peak of each format that the hardware multiplies, bf16 or fp16 among them; "
                "other formats run in the next wider one"),
      uncertain(kMemory, key(&D::memory, "memory", kSize, kRequired,
                             "Usable memory, as the driver shows it")),
      uncertain(kTime, key(&D::memory_bandwidth, "memory_bandwidth", kBandwidth, kRequired,
                           "Bandwidth of that memory")),
      setting(kTime, key(&D::num_sms, "num_sms", kUnits, kRequired,
                         "Compute units over which the tiles of a kernel spread")),
      uncertain(kTime, key(&D::link_bandwidth, "link_bandwidth", kBandwidth, kRequired,
                           "Scale-up bandwidth of a device per direction")),
      setting(kTime, key(&D::link_domain, "link_domain", kUnits, kRequired,
                         "Devices that the scale-up network reaches")),
      uncertain(kTime, key(&D::host_bandwidth, "host_bandwidth", kBandwidth, kRequired,
                           "Bandwidth to the host per direction")),
      uncertain(kEnergy, key(&D::tdp, "tdp", kPower, kRequired, "Thermal design power")),
      uncertain(kEnergy, key(&D::idle, "idle", kPower, kRequired, "Power without a process")),
      uncertain(kEnergy, key(&D::context, "context", kPower, kRequired,
                             "Power that a resident process adds to idle")),
      price(key(&D::rent, "rent", kRent, otherwise("not known"), "Rent of one device")),
      price(
          key(&D::price, "price", kPrice, otherwise("not known"), "Purchase price of one device")),
      profile("family", "families", take_family, kRequired,
              "Efficiency and power of its kernels, a profile in `families/`"),
      profile("link", "links", take_link, kRequired,
              "Technology of its scale-up network, a profile in `links/`"),
      measured()};
  return kKeys;
}

const ProfileKeys<NodeSpec>& node_keys() {
  using N = NodeSpec;
  using enum Enters;
  static const ProfileKeys<N> kKeys = {
      given(key(&N::title, "title", form::Text{}, kRequired, "Name of the product")),
      profile("device", "devices", take_device, kRequired,
              "Its accelerator, a profile in `devices/`"),
      setting(kTime, key(&N::devices, "devices", kUnits, kRequired, "Accelerators of the node")),
      profile("nic", "links", take_nic, otherwise("a node for itself"),
              "Technology of its NICs, a profile in `links/`"),
      beside("nic", setting(kTime, key(&N::nics, "nics", kUnits, kRequired,
                                       "NICs: a multiple or a divisor of `devices`"))),
      // The share of the line rate that a link reaches is uncertain, not the line rate.
      beside("nic", setting(kTime, key(&N::nic_bandwidth, "nic_bandwidth", kBandwidth, kRequired,
                                       "Line rate of one NIC per direction"))),
      beside("nic", uncertain(kEnergy, key(&N::nic_power, "nic_power", kPower, kRequired,
                                           "Power of one NIC"))),
      uncertain(kEnergy, key(&N::host_idle, "host_idle", kHostPower, kRequired,
                             "Power of the idle node without accelerators and NICs")),
      uncertain(kEnergy, key(&N::host_busy, "host_busy", kHostPower, kRequired,
                             "The same while it serves; at least `host_idle`")),
      uncertain(kEnergy, key(&N::psu_efficiency, "psu_efficiency", form::Number{0.1, 1}, kRequired,
                             "Share of the power drawn that the supply passes on"))};
  return kKeys;
}

DeviceSpec read_device(const ProfileFile& file, Faults& faults) {
  return read_profile(file, device_keys(), faults, check_device);
}

NodeSpec read_node(const ProfileFile& file, Faults& faults) {
  return read_profile(file, node_keys(), faults, check_node);
}

}  // namespace moesim
