#include "base/data_folder.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/input_error.h"

namespace moesim {

namespace fs = std::filesystem;

std::string data_folder(const std::string& kind) {
  std::vector<fs::path> places;
  if (const char* data = std::getenv("MOESIM_DATA")) places.emplace_back(fs::path(data) / kind);
  places.emplace_back(fs::path(MOESIM_SOURCE_DIR) / kind);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  places.emplace_back(program.parent_path() / "../share/moesim" / fs::path(kind).filename());
  for (const fs::path& place : places) {
    if (fs::is_directory(place, error)) return place.string();
  }
  throw InputError({{"", 0, "", kind, "shipped data not found; set MOESIM_DATA to its folder"}});
}

std::vector<std::string> file_stems(const std::string& folder, const std::string& extension) {
  std::vector<std::string> stems;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) stems.push_back(entry.path().stem().string());
  }
  std::sort(stems.begin(), stems.end());
  return stems;
}

}  // namespace moesim
