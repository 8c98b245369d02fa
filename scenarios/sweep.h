// Paths into a scenario document: setting a value by path, and the product of the lists under
// `sweep:`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/document.h"

namespace moesim {

struct SweepAxis {
  std::string path;
  std::vector<YAML::Node> values;
  int line = 0;
};

// The axes under `sweep:` in file order; the key is removed from `root`.
std::vector<SweepAxis> take_sweep(YAML::Node& root, const std::string& file, Faults& faults);

// Puts `value` at `path`. The first part is a case name (dots in it are no matter), "cases"
// followed by one, or a top-level key; a part that meets a short form (model: NAME) spells it out
// ({name: NAME}). Missing parts are added. Adds a fault if the path leads nowhere.
void set_path(YAML::Node& root, const std::string& path, const YAML::Node& value,
              const std::string& file, int line, Faults& faults);

// The name of the case that a path belongs to; empty if it concerns all cases.
std::string case_of_path(const YAML::Node& root, const std::string& path);

// Whether two paths mean the same place: "cases." in front is optional.
bool same_path(const std::string& a, const std::string& b);

// Whether a scenario may have this key, so that no case should be called so.
bool is_top_level_key(const std::string& name);

// Every combination of one of sizes[i] values per axis i, the last axis fastest; one empty
// combination for no axes.
std::vector<std::vector<std::size_t>> combinations(const std::vector<std::size_t>& sizes);

// A copy that lies on no line of any file: faults about it must not name a line of the scenario.
YAML::Node unplaced(const YAML::Node& node);

// The value as the file writes it, on one line.
std::string value_text(const YAML::Node& value);

}  // namespace moesim
