#include "hardware/read/profile_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/input_error.h"
#include "hardware/read/profiles.h"

namespace moesim {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Letters and digits alone, as "RTX 4090" and "rtx4090" are one name.
std::string squeezed(const std::string& name) {
  std::string out;
  for (const char c : lower_case(name)) {
    if (is_digit(c) || (c >= 'a' && c <= 'z')) out += c;
  }
  return out;
}

// "8xH200", "8 x H200" and "NVIDIA H200" without what stands before the device.
std::string device_words(const std::string& given) {
  std::string name = squeezed(given);
  const std::size_t count = name.find_first_not_of("0123456789");
  if (count != std::string::npos && count > 0 && name[count] == 'x') name.erase(0, count + 1);
  for (const char* vendor : {"nvidia", "amd", "intel", "google", "apple", "aws"}) {
    if (name.starts_with(vendor)) name.erase(0, std::string(vendor).size());
  }
  return name;
}

// "dgx-h200 (8 x h200-sxm-141gb)" of every node with a device whose name begins so.
std::vector<std::string> nodes_with(const std::string& device) {
  std::vector<std::string> nodes;
  const std::string folder = data_folder("hardware/profiles") + "/nodes/";
  for (const std::string& node : profile_names("nodes")) {
    const std::string path = folder + node + ".yaml";
    const YAML::Node root = parse_document(read_file(path), path);
    if (!root.IsMap() || !root["device"].IsDefined() || !root["device"].IsScalar()) continue;
    const std::string& own = root["device"].Scalar();
    if (!squeezed(own).starts_with(device)) continue;
    nodes.push_back(fmt::format("{} ({} x {})", node, root["devices"]["value"].Scalar(), own));
  }
  return nodes;
}

}  // namespace

std::string unknown_profile(const std::string& kind, const std::string& name) {
  constexpr std::size_t kLeastLetters = 2;
  const std::string unknown = "no such profile in " + kind + "; ";
  const std::string device = device_words(name);
  if (kind == "nodes" && device.size() >= kLeastLetters) {
    const std::vector<std::string> nodes = nodes_with(device);
    if (!nodes.empty()) {
      return unknown + "nodes with this device: " + comma_list(nodes) +
             "; `devices: N` beside `node` takes a part of one";
    }
  }
  return unknown + expected_name(name, profile_names(kind), "see moesim list hardware");
}

}  // namespace moesim
