// Paths into a scenario document: setting a value by path, and the product of the lists under `sweep:`.
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

// Puts `value` at `path`. The first part is a case name, "cases" followed by one, or a top-level key;
// a part that meets a plain model name turns it into {name: ...}. A missing last part is added.
// Adds a fault if the path leads nowhere.
void set_path(YAML::Node& root, const std::string& path, const YAML::Node& value,
              const std::string& file, int line, Faults& faults);

// The name of the case that a path belongs to; empty if it concerns all cases.
std::string case_of_path(const YAML::Node& root, const std::string& path);

// Every combination of one value per axis, the last axis fastest; one empty combination for no axes.
std::vector<std::vector<std::size_t>> combinations(const std::vector<SweepAxis>& axes);

// The value as the file writes it, on one line.
std::string value_text(const YAML::Node& value);

}  // namespace moesim
