#include "scenarios/validate/plan/library.h"

#include <algorithm>
#include <stdexcept>

#include "base/input_error.h"
#include "hardware/network/cluster_check.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"

namespace moesim {
namespace {

// Slugs whose language layers are another model's. Source: model card of Kimi-K2.5.
struct Alias {
  const char* slug;
  const char* model;
};
constexpr Alias kAliases[] = {{"kimi-k2.5", "kimi-k2"}};

// A slug is a name, never a path, so that a table cannot make the program open files.
bool is_slug(const std::string& slug) {
  return !slug.empty() && slug.find('/') == std::string::npos && !slug.ends_with(".json") &&
         !slug.ends_with(".yaml");
}

std::string catalog_name(const std::string& slug) {
  const auto names = catalog_names();
  if (std::find(names.begin(), names.end(), slug) != names.end()) return slug;
  for (const Alias& alias : kAliases) {
    if (slug == alias.slug) return alias.model;
  }
  return slug;
}

template <class Spec, class Load>
const Spec* find_or_load(std::map<std::string, std::optional<Spec>>& loaded,
                         const std::string& slug, const Load& load) {
  auto found = loaded.find(slug);
  if (found == loaded.end()) {
    std::optional<Spec> spec;
    try {
      if (is_slug(slug)) spec = load(slug);
    } catch (const InputError&) {
      // There is no model or device of this name; the caller reports it.
    }
    found = loaded.emplace(slug, std::move(spec)).first;
  }
  return found->second ? &*found->second : nullptr;
}

}  // namespace

void Library::replace(const DeviceSpec& device) {
  nodes();
  for (auto& [name, node] : nodes_) {
    if (node.device.name == device.name) node.device = device;
  }
  devices_[device.name] = device;
}

const ModelSpec* Library::model(const std::string& slug) const {
  return find_or_load(models_, slug,
                      [](const std::string& name) { return load_model(catalog_name(name)); });
}

const DeviceSpec* Library::device(const std::string& slug) const {
  return find_or_load(devices_, slug,
                      [this](const std::string& name) { return load_device(name, variation_); });
}

ServingRelease Library::engine(const std::string& words) const {
  const EngineWords named = engine_words(words);
  auto found = engines_.find(named.engine);
  if (found == engines_.end()) {
    found = engines_.emplace(named.engine, load_engine(named.engine, variation_)).first;
  }
  return release_of(found->second, named.release);
}

const std::map<std::string, NodeSpec>& Library::nodes() const {
  if (nodes_.empty()) {
    for (const std::string& name : profile_names("nodes"))
      nodes_.emplace(name, load_node(name, variation_));
  }
  return nodes_;
}

std::optional<ClusterSpec> Library::cluster(const std::string& hardware, std::int64_t devices,
                                            bool whole_server) const {
  const DeviceSpec* device = this->device(hardware);
  if (device == nullptr || devices < 1) return std::nullopt;
  const NodeSpec* largest = nullptr;
  for (const auto& [name, node] : nodes()) {
    if (node.device.name != device->name || devices % node.devices != 0) continue;
    if (largest == nullptr || node.devices > largest->devices) largest = &node;
  }
  std::int64_t in_one_node = device->link_domain;
  for (const auto& [name, node] : nodes()) {
    if (node.device.name == device->name) in_one_node = std::max(in_one_node, node.devices);
  }
  ClusterSpec cluster;
  try {
    if (!whole_server && devices <= in_one_node) {
      cluster.node = bare_node(*device, devices);
    } else if (largest != nullptr) {
      cluster.node = *largest;
      cluster.nodes = devices / largest->devices;
      if (cluster.nodes > 1) cluster.fabric = load_fabric("rail-fat-tree", variation_);
    } else {
      return std::nullopt;
    }
    check_cluster(cluster);
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
  return cluster;
}

}  // namespace moesim
