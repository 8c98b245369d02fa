// What `sweep:` asks for: axes, whose product is the points, and conditions that points must meet.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/sweep/condition.h"

namespace moesim {

struct SweptPath {
  std::string path;
  int line = 0;
};

// Paths that are set together: one path of a list, several of `points` and of `sample`.
struct SweepAxis {
  std::vector<SweptPath> paths;
  std::size_t count = 0;
  // Of the axis' value i at path p; nothing where the value leaves that path as it is. Valid until
  // the next call.
  std::function<std::optional<YAML::Node>(std::size_t i, std::size_t p)> value;
};

struct Sweep {
  std::vector<SweepAxis> axes;
  std::vector<Condition> where;
  YAML::Node given;  // As the scenario has it, to be written out again.
  int line = 0;
};

// Reads the sweep in file order and removes it from `root`.
Sweep take_sweep(YAML::Node& root, const std::string& file, Faults& faults);

// Removes a path from the sweep of a document, because something else decides it.
void drop_swept(YAML::Node& root, const std::string& path);

// Points: the product of the axes' counts; not exact beyond 2^53.
double num_points(const std::vector<SweepAxis>& axes);

// The value of each axis at a point, the last axis fastest.
std::vector<std::size_t> point_at(const std::vector<std::size_t>& sizes, std::size_t point);

}  // namespace moesim
