#include "scenarios/sweep/point_document.h"

#include <algorithm>

namespace moesim {
namespace {

// Whether one path leads into the value of another.
bool are_nested(const std::vector<std::string>& paths) {
  const auto bare = [](const std::string& path) {
    return (path.starts_with("cases.") ? path.substr(6) : path) + ".";
  };
  for (const std::string& outer : paths) {
    for (const std::string& inner : paths) {
      if (&outer != &inner && bare(inner).starts_with(bare(outer))) return true;
    }
  }
  return false;
}

}  // namespace

const YAML::Node& PointDocument::with(const std::vector<Change>& changes, Faults& faults) {
  if (can_overwrite(changes)) {
    for (std::size_t i = 0; i < changes.size(); ++i) made_.leaves[i].put(changes[i].value);
    return root_;
  }
  undo();
  const std::size_t before = faults.all().size();
  for (const Change& change : changes) {
    set_path(root_, change.path, change.value, file_, change.line, faults, &made_);
    paths_.push_back(change.path);
  }
  can_overwrite_ = faults.all().size() == before && !are_nested(paths_);
  return root_;
}

// Points that set the same paths differ in the values alone. What lies inside a value that is put
// in as well would stay behind in it.
bool PointDocument::can_overwrite(const std::vector<Change>& changes) const {
  return can_overwrite_ && std::ranges::equal(changes, paths_, {}, &Change::path);
}

void PointDocument::undo() {
  for (std::size_t i = made_.first.size(); i-- > 0;) made_.first[i].put_back();
  made_.first.clear();
  made_.leaves.clear();
  paths_.clear();
}

}  // namespace moesim
