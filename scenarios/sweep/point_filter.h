// Which points of a sweep are rows: those that meet every condition of `where:`.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "scenarios/sweep/axes.h"

namespace moesim {

class PointFilter {
 public:
  // A condition is about the case whose paths it names, or about every case; a fault where it names
  // paths of several. `root` = the document without its sweep.
  PointFilter(const Sweep& sweep, const YAML::Node& root, const std::string& file, Faults& faults);

  // Whether a case meets the conditions about it; `root` = the document with the point's settings.
  // A fault for a name that has no number.
  bool passes(const std::string& name, const YAML::Node& root, const Deployment& deployment);

 private:
  using Numbers = std::vector<std::pair<std::string, double>>;
  std::optional<double> number_of(const Condition& condition, const std::string& word,
                                  const Numbers& plan, const YAML::Node& root);
  void refuse(const Condition& condition, const std::string& shown, const std::string& allowed);

  std::vector<Condition> conditions_;
  std::vector<std::string> owners_;  // Of each condition: the case that it is about; "" = every.
  std::vector<std::string> paths_;   // That are swept.
  std::string file_;
  Faults& faults_;
};

}  // namespace moesim
