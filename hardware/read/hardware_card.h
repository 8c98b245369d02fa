// All numbers of one piece of hardware with their sources, for `moesim show HARDWARE`.
#pragma once

#include <string>
#include <vector>

#include "hardware/spec/device.h"

namespace moesim {

// A profile with all its numbers: its own first, then those of the profiles that it names.
struct HardwareCard {
  std::string kind;  // "devices", "nodes", "fabrics", "sites", "links", "families" or "backends".
  std::string name;
  std::string title;
  std::vector<Fact> facts;
};

// The card of a shipped profile of any kind (devices first), or of a file, whose keys tell its
// kind. Throws: InputError if there is no such profile or it is faulty.
HardwareCard load_hardware_card(const std::string& name_or_path);

// A table: number, value, confidence, source; one line each, grouped by profile.
std::string hardware_card_text(const HardwareCard& card);

}  // namespace moesim
