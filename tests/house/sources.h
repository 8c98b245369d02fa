// The sources of all rooms and their includes.
#pragma once

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace moesim::house {

namespace fs = std::filesystem;

// In the order of the flow: a room includes only rooms to its left.
inline const std::vector<std::string> kRooms = {"base", "hardware", "models",
                                                "sim",  "reports",  "scenarios"};

inline std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

inline std::vector<fs::path> sources_of(const std::string& room) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(room)) {
    const auto extension = entry.path().extension();
    if (extension == ".h" || extension == ".cpp") files.push_back(entry.path());
  }
  return files;
}

inline std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const std::string& room : kRooms) {
    for (const fs::path& file : sources_of(room)) files.push_back(file);
  }
  return files;
}

struct Include {
  std::string file;
  std::string target;
};

inline std::vector<Include> includes_of(const std::vector<fs::path>& files) {
  static const std::regex pattern("^#include [<\"]([^>\"]+)[>\"]");
  std::vector<Include> found;
  for (const fs::path& file : files) {
    for (const std::string& line : lines_of(file)) {
      std::smatch match;
      if (std::regex_search(line, match, pattern)) found.push_back({file.string(), match[1]});
    }
  }
  return found;
}

}  // namespace moesim::house
