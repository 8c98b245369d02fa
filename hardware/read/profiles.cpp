#include "hardware/read/profiles.h"

#include <stdexcept>

#include "hardware/read/profile_reader.h"

namespace moesim {
namespace {

// Finds and reads one profile; throws all faults of it and of the profiles that it names at once.
template <class Spec>
Spec load(const std::string& kind, const std::string& name_or_path, const Variation& variation,
          Spec (*read)(const ProfileFile&, Faults&)) {
  Faults faults;
  auto file = find_profile(kind, name_or_path, nullptr, Fault{}, faults);
  if (file) file->variation = variation;
  Spec spec = file ? read(*file, faults) : Spec{};
  faults.throw_if_any();
  return spec;
}

}  // namespace

DeviceSpec load_device(const std::string& name_or_path, const Variation& variation) {
  return load("devices", name_or_path, variation, read_device);
}

NodeSpec load_node(const std::string& name_or_path, const Variation& variation) {
  return load("nodes", name_or_path, variation, read_node);
}

FabricSpec load_fabric(const std::string& name_or_path, const Variation& variation) {
  return load("fabrics", name_or_path, variation, read_fabric);
}

SiteSpec load_site(const std::string& name_or_path, const Variation& variation) {
  return load("sites", name_or_path, variation, read_site);
}

LinkTechnology load_link(const std::string& name_or_path, const Variation& variation) {
  return load("links", name_or_path, variation, read_link);
}

KernelFamily load_family(const std::string& name_or_path, const Variation& variation) {
  return load("families", name_or_path, variation, read_family);
}

ModelError load_serving_error(const std::string& subject, const Variation& variation) {
  Faults faults;
  auto file = find_profile("errors", "serving", nullptr, Fault{}, faults);
  faults.throw_if_any();
  file->name += " of " + subject;
  file->variation = variation;
  const ModelError error = read_model_error(*file, faults);
  faults.throw_if_any();
  return error;
}

NodeSpec bare_node(const DeviceSpec& device, std::int64_t devices) {
  if (devices < 1) throw std::invalid_argument("a node needs at least one device");
  if (devices > 1 && device.link_technology.wiring == LinkWiring::kTorus) {
    throw std::invalid_argument("a torus joins nodes of one device: " + device.name);
  }
  NodeSpec node;
  node.name = std::to_string(devices) + "x " + device.name;
  node.title = node.name + " without host";
  node.device = device;
  node.devices = devices;
  return node;
}

}  // namespace moesim
