// Models, hardware and engines by the slugs of the tables. Each is loaded once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "hardware/spec/device.h"
#include "models/spec/model_spec.h"
#include "sim/deployment/engine_profile.h"

namespace moesim {

class Library {
 public:
  // `variation` selects the Monte Carlo sample of uncertain numbers in profiles.
  explicit Library(const Variation& variation = {}) : variation_(variation) {}

  const Variation& variation() const { return variation_; }

  // Replaces the shipped device of the same name, also in nodes, by a profile of the user.
  void replace(const DeviceSpec& device);

  // The model or device of a slug; null if there is none.
  const ModelSpec* model(const std::string& slug) const;
  const DeviceSpec* device(const std::string& slug) const;
  // The range of releases for an engine with its release, such as "vllm 0.12.0".
  // Throws: InputError.
  ServingRelease engine(const std::string& words) const;

  // A cluster of exactly `devices` such devices: bare devices if they fit into one node, else nodes
  // of the largest shipped kind. With `whole_server`, always shipped nodes. Nothing if no node
  // profile fits.
  std::optional<ClusterSpec> cluster(const std::string& hardware, std::int64_t devices,
                                     bool whole_server) const;

 private:
  const std::map<std::string, NodeSpec>& nodes() const;

  Variation variation_;

  mutable std::map<std::string, std::optional<ModelSpec>> models_;
  mutable std::map<std::string, std::optional<DeviceSpec>> devices_;
  mutable std::map<std::string, EngineProfile> engines_;
  mutable std::map<std::string, NodeSpec> nodes_;  // Shipped, by name; empty until asked for.
};

}  // namespace moesim
