#include "reports/results/sweep_point.h"

#include <fmt/format.h>

#include <algorithm>

namespace moesim {
namespace {

std::string last_part(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(dot + 1);
}

}  // namespace

std::vector<std::string> swept_paths(const std::vector<CaseReport>& cases) {
  std::vector<std::string> paths;
  for (const CaseReport& report : cases)
    for (const auto& [path, value] : report.point)
      if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  return paths;
}

std::vector<std::string> short_paths(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) {
    const auto same = [&](const std::string& other) { return last_part(other) == last_part(path); };
    const bool unique = std::count_if(paths.begin(), paths.end(), same) == 1;
    names.push_back(unique ? last_part(path) : path);
  }
  return names;
}

std::string setting(const CaseReport& report, const std::string& path) {
  for (const auto& [own_path, value] : report.point)
    if (own_path == path) return value;
  return "";
}

std::string case_title(const CaseReport& report, const std::vector<std::string>& paths) {
  const std::vector<std::string> names = short_paths(paths);
  std::string settings;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string value = setting(report, paths[i]);
    if (value.empty()) continue;
    settings += fmt::format("{}{} {}", settings.empty() ? "" : ", ", names[i], value);
  }
  return settings.empty() ? report.name : fmt::format("{} ({})", report.name, settings);
}

}  // namespace moesim
