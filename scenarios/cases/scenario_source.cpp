#include "scenarios/cases/scenario_source.h"

#include "scenarios/format/fault_order.h"
#include "scenarios/sweep/paths.h"

namespace moesim {
namespace {

YAML::Node setting_value(const Setting& setting) {
  if (setting.value.empty() || setting.value == "~" || setting.value == "null") {
    throw InputError({{kSetOption, 0, setting.path, setting.value, "a value expected"}});
  }
  return parse_document(setting.value, std::string(kSetOption) + " " + setting.path);
}

YAML::Node parsed(const std::string& text, const std::string& file,
                  const std::vector<Setting>& settings, Faults& faults) {
  YAML::Node root = parse_document(text, file);
  if (!root.IsMap()) {
    throw InputError({{file, 1, "", "", "a scenario is a map that starts with schema: 1"}});
  }
  for (const Setting& setting : settings) {
    drop_swept(root, setting.path);
    set_path(root, setting.path, unplaced(setting_value(setting)), kSetOption, 0, faults);
  }
  return root;
}

}  // namespace

ScenarioSource::ScenarioSource(const std::string& text, const std::string& file,
                               const std::vector<Setting>& settings)
    : root_(parsed(text, file, settings, faults_)) {
  sweep_ = take_sweep(root_, file, faults_);
  Faults said_already;
  YAML::Node changing = parsed(text, file, settings, said_already);
  changing.remove("sweep");
  points_.emplace(changing, file);
}

std::shared_ptr<ScenarioSource> open_source(const std::string& text, const std::string& file,
                                            const std::vector<Setting>& settings) {
  return std::make_shared<ScenarioSource>(text, file, settings);
}

}  // namespace moesim
