#include "base/data_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/input_error.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

constexpr std::array<const char*, 3> kKinds = {"models/catalog", "hardware/profiles",
                                               "sim/engines"};

// The first kind that the folder lacks; empty if it has all.
std::string missing_kind(const fs::path& root) {
  std::error_code error;
  for (const char* kind : kKinds) {
    if (!fs::is_directory(root / kind, error)) return kind;
  }
  return "";
}

std::string root_from_environment(const std::string& root) {
  const std::string missing = missing_kind(root);
  if (missing.empty()) return (fs::path(root) / "").parent_path().string();
  throw InputError({{"", 0, "MOESIM_DATA", root,
                     fmt::format("has no {}; a source tree of moesim or the share/moesim of an "
                                 "installation expected",
                                 missing)}});
}

}  // namespace

std::string data_root() {
  const char* given = std::getenv("MOESIM_DATA");
  if (given != nullptr && *given != '\0') return root_from_environment(given);
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"../share/moesim", "share/moesim"}) {
    const fs::path root = fs::canonical(folder / place, error);
    if (!error && missing_kind(root).empty()) return root.string();
  }
  throw InputError({{"", 0, "", "the shipped data",
                     fmt::format("not found beside {}; set MOESIM_DATA to a source tree of moesim "
                                 "or the share/moesim of an installation",
                                 folder.string())}});
}

std::string data_folder(const std::string& kind) {
  const fs::path folder = fs::path(data_root()) / kind;
  std::error_code error;
  if (fs::is_directory(folder, error)) return folder.string();
  throw InputError({{folder.string(), 0, "", "", "this folder of shipped data is missing"}});
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
