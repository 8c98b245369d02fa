// Reading of hardware profiles: shipped ones by name, a user's own by path. The format is described
// in hardware/profiles/README.md.
#pragma once

#include <string>
#include <vector>

#include "hardware/spec/device.h"
#include "hardware/spec/variation.h"

namespace moesim {

inline constexpr const char* kProfileKinds[] = {"devices", "nodes",    "fabrics", "sites",
                                                "links",   "families", "backends"};

// Names of the shipped profiles of a kind.
std::vector<std::string> profile_names(const std::string& kind);

// Each takes a shipped name or a path (contains '/' or ends in ".yaml"), with everything that the
// profile refers to (device, family, link) loaded too. A path's references are looked for beside it
// first (FOLDER/NAME.yaml, FOLDER/KIND/NAME.yaml, FOLDER/../KIND/NAME.yaml), then among the shipped
// ones. Uncertain numbers are drawn by `variation`; each has a range of its own or one that goes
// with its confidence. Throws: InputError for unknown names (with a suggestion), a missing or
// negative field, a number without unit, source or confidence.
DeviceSpec load_device(const std::string& name_or_path, const Variation& variation = {});
NodeSpec load_node(const std::string& name_or_path, const Variation& variation = {});
FabricSpec load_fabric(const std::string& name_or_path, const Variation& variation = {});
SiteSpec load_site(const std::string& name_or_path, const Variation& variation = {});
LinkTechnology load_link(const std::string& name_or_path, const Variation& variation = {});
KernelFamily load_family(const std::string& name_or_path, const Variation& variation = {});

// Replaces the launch cost of the family by that of a back end. Throws: InputError.
void use_backend(KernelFamily& family, const std::string& name, const Variation& variation);

// The shipped errors of serving, drawn for `subject` (a model on a device) by itself.
ModelError load_serving_error(const std::string& subject, const Variation& variation);

// `devices` accelerators without a host, NICs or power supply: for asking about the accelerator
// alone and for cards that no node profile holds. Their host counts no watts. Throws:
// std::invalid_argument for fewer than one device, or several on a torus.
NodeSpec bare_node(const DeviceSpec& device, std::int64_t devices);

}  // namespace moesim
