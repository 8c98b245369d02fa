// A scenario's text parsed once, and what the rows that are read from it share.
#pragma once

#include <string>
#include <vector>

#include "scenarios/cases/scenario.h"
#include "scenarios/format/read_case.h"
#include "scenarios/sweep/axes.h"
#include "scenarios/sweep/point_document.h"

namespace moesim {

class ScenarioSource {
 public:
  // Throws: InputError if the text does not parse.
  ScenarioSource(const std::string& text, const std::string& file,
                 const std::vector<Setting>& settings);

  const YAML::Node& root() const { return root_; }  // With the settings, without the sweep.
  const Sweep& sweep() const { return sweep_; }
  const Faults& faults() const { return faults_; }  // Of settings and sweep.
  PointDocument& points() { return *points_; }
  // What has been loaded where no number is drawn.
  LoadedSpecs& loaded() { return loaded_; }
  Workloads& workloads() { return workloads_; }

 private:
  Faults faults_;
  YAML::Node root_;
  Sweep sweep_;
  std::optional<PointDocument> points_;
  LoadedSpecs loaded_;
  Workloads workloads_;
};

}  // namespace moesim
