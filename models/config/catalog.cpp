#include "models/config/catalog.h"

#include <filesystem>

#include "base/data_folder.h"
#include "base/document.h"

namespace moesim {
namespace {

constexpr const char* kFolder = "models/catalog";

// No other JSON file but that of its formats lies beside the config.
bool is_alone(const std::filesystem::path& config) {
  std::error_code error;
  const std::filesystem::path folder = config.has_parent_path() ? config.parent_path() : ".";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::filesystem::path& file = entry.path();
    const bool other = file.extension() == ".json" && file.filename() != config.filename() &&
                       file.filename() != "hf_quant_config.json";
    if (other) return false;
  }
  return true;
}

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".json");
}

namespace fs = std::filesystem;

// Published folders have one config; files of many models in one folder carry the model's name.
std::optional<ConfigFile> quantisation_beside(const fs::path& config) {
  constexpr const char* kFile = "hf_quant_config.json";
  std::string stem = config.stem().string();
  std::vector<std::string> names;
  if (stem == "config" || is_alone(config)) names.emplace_back(kFile);
  names.push_back(stem + "_" + kFile);
  names.push_back(stem + "." + kFile);
  constexpr std::string_view kEnding = "_config";
  if (stem.ends_with(kEnding)) {
    names.push_back(stem.substr(0, stem.size() - kEnding.size()) + "_" + kFile);
  }
  for (const std::string& name : names) {
    const fs::path beside = config.parent_path() / name;
    std::error_code error;
    if (fs::is_regular_file(beside, error)) {
      return ConfigFile{read_file(beside.string()), beside.string()};
    }
  }
  return std::nullopt;
}

// The config of a folder, or the file itself.
fs::path config_of(const std::string& path) {
  std::error_code error;
  const bool is_folder = fs::is_directory(path, error);
  return is_folder ? fs::path(path) / "config.json" : fs::path(path);
}

// A file that is called config.json is the model of its folder.
std::string model_name(const fs::path& config) {
  const std::string stem = config.stem().string();
  std::error_code error;
  const std::string folder = fs::absolute(config, error).parent_path().filename().string();
  return stem == "config" && !folder.empty() ? folder : stem;
}

}  // namespace

std::vector<std::string> catalog_names() {
  return file_stems(data_folder(kFolder), ".json");
}

ModelSpec load_model(const std::string& name_or_path) {
  if (is_path(name_or_path)) {
    const fs::path config = config_of(name_or_path);
    return read_config(read_file(config.string()), config.string(), model_name(config),
                       quantisation_beside(config));
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
