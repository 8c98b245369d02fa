// Models and hardware by the slugs of the tables, loaded once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "hardware/spec/device.h"
#include "models/spec/model_spec.h"
#include "sim/deployment/serving_policy.h"

namespace moesim {

class Library {
 public:
  // Uncertain numbers of profiles are drawn by `variation`.
  explicit Library(const Variation& variation = {}) : variation_(variation) {}

  const Variation& variation() const { return variation_; }

  // From now on this device stands for the slug that is its name, in nodes too: a user's own
  // profile in place of the shipped one.
  void replace(const DeviceSpec& device);

  // The model or device of this slug; null if there is none.
  const ModelSpec* model(const std::string& slug) const;
  const DeviceSpec* device(const std::string& slug) const;
  // The range of releases that an engine's words name, e.g. "vllm 0.12.0". Throws: InputError.
  const ServingRelease& engine(const std::string& words) const;

  // A cluster of `devices` such devices and no more: bare devices if they fit into one node,
  // otherwise nodes of the largest shipped kind. With `whole_server`, always a shipped node.
  // Nothing if no node profile holds them.
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
