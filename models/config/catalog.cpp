#include "models/config/catalog.h"

#include <algorithm>
#include <filesystem>

#include "base/data_folder.h"
#include "base/document.h"

namespace moesim {
namespace {

constexpr const char* kFolder = "models/catalog";
constexpr const char* kHubIds = "hub_ids.yaml";

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
      return ConfigFile{read_file(beside.string(), kMaxConfigBytes), beside.string()};
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

// "Qwen/Qwen3-8B", and no "models/mine.json".
bool looks_like_hub_id(const std::string& name) {
  const std::size_t slash = name.find('/');
  return slash != std::string::npos && slash > 0 && slash + 1 < name.size() &&
         name.find('/', slash + 1) == std::string::npos && name.front() != '.' &&
         name.front() != '~' && !name.ends_with(".json");
}

std::string unknown_model(const std::string& given) {
  const std::string near = nearest_text(given.substr(given.find('/') + 1), catalog_names());
  if (looks_like_hub_id(given)) {
    return near +
           "no such folder, and the catalog has no model of this id; see moesim list models, or "
           "give the path of its config.json";
  }
  return near +
         "no such model in the catalog; see moesim list models, or give the path of a "
         "config.json or an id such as Qwen/Qwen3-8B";
}

}  // namespace

std::vector<std::string> catalog_names() {
  return file_stems(data_folder(kFolder), ".json");
}

std::optional<std::string> known_model(const std::string& given) {
  const std::string wanted = lower_case(given);
  for (const std::string& name : catalog_names()) {
    if (name == wanted) return name;
  }
  if (std::count(given.begin(), given.end(), '/') != 1) return std::nullopt;
  const std::string path = data_folder(kFolder) + "/" + kHubIds;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;  // A folder of one's own.
  for (const auto& entry : parse_document(read_file(path), path)) {
    for (const auto& id : entry.second) {
      if (lower_case(id.Scalar()) == wanted) return entry.first.Scalar();
    }
  }
  return std::nullopt;
}

ModelSpec load_model(const std::string& name_or_path) {
  std::error_code error;
  const bool is_there = is_path(name_or_path) && fs::exists(name_or_path, error);
  const auto known = is_there ? std::nullopt : known_model(name_or_path);
  if (known) {
    const std::string path = data_folder(kFolder) + "/" + *known + ".json";
    return read_config(read_file(path), path, *known);
  }
  if (is_path(name_or_path) && (is_there || !looks_like_hub_id(name_or_path))) {
    const fs::path config = config_of(name_or_path);
    return read_config(read_file(config.string(), kMaxConfigBytes), config.string(),
                       model_name(config), quantisation_beside(config));
  }
  throw InputError({{"", 0, "model", name_or_path.empty() ? "nothing" : name_or_path,
                     unknown_model(name_or_path)}});
}

}  // namespace moesim
