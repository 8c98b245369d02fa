// A scenario's document as it reads at one point of its sweep after another, parsed once: a copy of
// a YAML::Node would lose its line numbers, and parsing anew takes longer than all other reading.
#pragma once

#include <string>
#include <vector>

#include "scenarios/sweep/paths.h"

namespace moesim {

class PointDocument {
 public:
  struct Change {
    std::string path;
    YAML::Node value;
    int line = 0;
  };

  // Takes the document over.
  PointDocument(const YAML::Node& root, std::string file) : root_(root), file_(std::move(file)) {}

  // The document with these changes alone, the same as if they were made to it as parsed. Valid
  // until the next call. A fault for each path that leads nowhere.
  const YAML::Node& with(const std::vector<Change>& changes, Faults& faults);

 private:
  bool can_overwrite(const std::vector<Change>& changes) const;
  void undo();

  YAML::Node root_;
  std::string file_;
  std::vector<std::string> paths_;  // That are changed.
  PathChanges made_;
  bool can_overwrite_ = false;
};

}  // namespace moesim
