// Paths into a scenario document, as `sweep:`, `where:` and --set write them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/document.h"

namespace moesim {

// A key of a map in a document, and what was there before it was changed.
class ChangedKey {
 public:
  ChangedKey(const YAML::Node& map, std::string key);
  void put(const YAML::Node& value) { map_[key_] = value; }
  void put_back();

 private:
  YAML::Node map_;
  std::string key_;
  bool was_there_;
  YAML::Node before_;
};

// What set_path changed: the keys where it put values, and for each the outermost key that it had
// to change for that, in the order of the calls.
struct PathChanges {
  std::vector<ChangedKey> leaves;
  std::vector<ChangedKey> first;
};

// Puts `value` at `path`. The first part is a case name (dots in it are no matter), "cases"
// followed by one, or a top-level key; a part that meets a short form (model: NAME) spells it out
// ({name: NAME}). Missing parts are added. Adds a fault if the path leads nowhere. What was changed
// is added to `changes`.
void set_path(YAML::Node& root, const std::string& path, const YAML::Node& value,
              const std::string& file, int line, Faults& faults, PathChanges* changes = nullptr);

// The key that a plain value of this one stands for (model: NAME is {name: NAME}); null if it has
// no short form.
const char* short_form(const std::string& key);

// What lies at a path as the document writes it, if anything.
std::optional<YAML::Node> node_at(const YAML::Node& root, const std::string& path);

// The name of the case that a path belongs to; empty if it concerns all cases.
std::string case_of_path(const YAML::Node& root, const std::string& path);

// A path without the "cases." that it may have in front.
std::string bare_path(const std::string& path);

// Whether two paths mean the same place.
bool same_path(const std::string& a, const std::string& b);

// Whether a scenario may have this key, so that no case should be called so.
bool is_top_level_key(const std::string& name);

// A value that faults find on this line of the file.
YAML::Node placed(const std::string& text, int line);

// A copy that lies on no line of any file: faults about it must not name a line of the scenario.
YAML::Node unplaced(const YAML::Node& node);

}  // namespace moesim
