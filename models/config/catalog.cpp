#include "models/config/catalog.h"

#include <filesystem>

#include "base/data_folder.h"
#include "base/document.h"

namespace moesim {
namespace {

constexpr const char* kFolder = "models/catalog";

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".json");
}

}  // namespace

std::vector<std::string> catalog_names() {
  return file_stems(data_folder(kFolder), ".json");
}

ModelSpec load_model(const std::string& name_or_path) {
  if (is_path(name_or_path)) {
    const std::string stem = std::filesystem::path(name_or_path).stem().string();
    return read_config(read_file(name_or_path), name_or_path, stem);
  }
  const std::vector<std::string> names = catalog_names();
  for (const std::string& name : names) {
    if (name != name_or_path) continue;
    const std::string path = data_folder(kFolder) + "/" + name + ".json";
    return read_config(read_file(path), path, name);
  }
  const std::string near = did_you_mean(name_or_path, names);
  const std::string hint = near.empty() ? "" : "did you mean " + near + "? ";
  throw InputError(
      {{"", 0, "model", name_or_path.empty() ? "nothing" : name_or_path,
        hint + "a path to a config.json or one of " + comma_list(names) + " expected"}});
}

}  // namespace moesim
