// Accelerators and the nodes that hold them.
#include <filesystem>

#include "hardware/kernels/measured_table.h"
#include "hardware/read/profile_reader.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostUnits = 1'000'000;
constexpr NumberRule kPeak{Dimension::kFlopRate, 1e9, 1e18};
constexpr NumberRule kBandwidth{Dimension::kBandwidth, 1e6, 1e16};
constexpr NumberRule kMemory{Dimension::kBytes, 1e6, 1e15};
constexpr NumberRule kPower{Dimension::kPower, 0.1, 1e6};
constexpr NumberRule kHostPower{Dimension::kPower, 0.1, 1e7};
constexpr NumberRule kRent{Dimension::kMoneyPerHour, 1e-3, 1e4, true};
constexpr NumberRule kPrice{Dimension::kMoney, 1, 1e9, true};

void read_rates(ProfileReader& reader, DeviceSpec& device) {
  for (const auto& [dtype, rate] : reader.required_by_dtype("peak", kPeak)) {
    device.peak[dtype] = FlopsPerSecond(rate);
  }
  device.memory = Bytes(reader.required("memory", kMemory));
  device.memory_bandwidth = BytesPerSecond(reader.required("memory_bandwidth", kBandwidth));
  device.num_sms = reader.required_count("num_sms", kMostUnits);
  device.link_bandwidth = BytesPerSecond(reader.required("link_bandwidth", kBandwidth));
  device.link_domain = reader.required_count("link_domain", kMostUnits);
  device.host_bandwidth = BytesPerSecond(reader.required("host_bandwidth", kBandwidth));
}

void read_power_and_price(ProfileReader& reader, DeviceSpec& device) {
  device.tdp = Watts(reader.required("tdp", kPower));
  device.idle = Watts(reader.required("idle", kPower));
  device.context = Watts(reader.required("context", kPower));
  const bool exceeds = device.idle + device.context > device.tdp;
  if (reader.file().variation.as_stated() && device.tdp.value() > 0 && exceeds) {
    reader.fault("idle", "idle and context together must not exceed tdp");
  }
  device.rent_usd_per_hour = reader.number_or("rent", 0, kRent);
  device.price_usd = reader.number_or("price", 0, kPrice);
  device.price_date = reader.date_of(reader.has("rent") ? "rent" : "price");
}

// A node's devices and NICs must divide each other, and their links must be ones that we can wire.
void check_node(ProfileReader& reader, const NodeSpec& node) {
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

// Tables lie where the profile says, seen from its own folder.
void read_measured(ProfileReader& reader, DeviceSpec& device) {
  std::vector<TableFile> files;
  const std::filesystem::path folder = std::filesystem::path(reader.file().path).parent_path();
  for (const std::string& name : reader.texts_or_none("measured")) {
    files.push_back({(folder / name).string(), name});
  }
  if (files.empty()) return;
  std::vector<Fact> facts;
  device.measured =
      read_measured_tables(files, device, reader.file().variation, facts, reader.faults());
  device.facts = std::move(facts);
}

}  // namespace

DeviceSpec read_device(const ProfileFile& file, Faults& faults) {
  DeviceSpec device;
  device.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return device;
  device.title = reader->required_text("title", "the product's name");
  device.vendor = reader->required_text("vendor", "who makes it");
  read_rates(*reader, device);
  read_power_and_price(*reader, device);
  if (const auto family = find_reference(*reader, "family", "families")) {
    device.family = read_family(*family, faults);
  }
  if (const auto link = find_reference(*reader, "link", "links")) {
    device.link = link->name;
    device.link_technology = read_link(*link, faults);
  }
  read_measured(*reader, device);
  const std::vector<Fact> facts = reader->finish();
  device.facts.insert(device.facts.begin(), facts.begin(), facts.end());
  return device;
}

NodeSpec read_node(const ProfileFile& file, Faults& faults) {
  NodeSpec node;
  node.name = file.name;
  auto reader = ProfileReader::open(file, faults);
  if (!reader) return node;
  node.title = reader->required_text("title", "the product's name");
  if (const auto device = find_reference(*reader, "device", "devices")) {
    node.device = read_device(*device, faults);
  }
  node.devices = reader->required_count("devices", kMostUnits);
  if (reader->has("nic")) {
    if (const auto nic = find_reference(*reader, "nic", "links")) {
      node.nic = nic->name;
      node.nic_technology = read_link(*nic, faults);
    }
    node.nics = reader->required_count("nics", kMostUnits);
    NumberRule line_rate = kBandwidth;  // What a link reaches of it is the technology's doubt.
    line_rate.exact = true;
    node.nic_bandwidth = BytesPerSecond(reader->required("nic_bandwidth", line_rate));
    node.nic_power = Watts(reader->required("nic_power", kPower));
  }
  node.host_idle = Watts(reader->required("host_idle", kHostPower));
  node.host_busy = Watts(reader->required("host_busy", kHostPower));
  node.psu_efficiency = reader->required("psu_efficiency", {std::nullopt, 0.1, 1});
  check_node(*reader, node);
  node.facts = reader->finish();
  return node;
}

}  // namespace moesim
