// What is said of a profile that there is not.
#pragma once

#include <string>

namespace moesim {

// "no such profile in nodes; nodes with H200: dgx-h200 (8 x h200-sxm-141gb), ...": the nodes of a
// device, where a node is asked for by a device's name ("8xH200"), else the nearest names.
std::string unknown_profile(const std::string& kind, const std::string& name);

}  // namespace moesim
