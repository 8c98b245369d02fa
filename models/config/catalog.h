// The shipped models and the reader of any Hugging Face config.json.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim {

// Names of the shipped models (the slugs), sorted.
std::vector<std::string> catalog_names();

// The catalog's name for a model that is given by this name or by its id on the Hugging Face hub,
// "Qwen/Qwen3-8B" (models/catalog/hub_ids.yaml), in any case; nothing if there is none.
std::optional<std::string> known_model(const std::string& given);

// A model by catalog name, by id on the hub, or by path to a config.json or to its folder (a name
// is a path if it contains '/' or ends in ".json"; what is there goes before ids). An
// hf_quant_config.json belongs to the config.json beside it; NAME_hf_quant_config.json belongs to
// NAME.json and to NAME_config.json. Throws: InputError for an unknown name (with a suggestion), an
// unreadable file, an architecture or a field that this program cannot represent (the field is
// named).
ModelSpec load_model(const std::string& name_or_path);

// Configs with one entry for each of many modules are longer than other files.
inline constexpr std::size_t kMaxConfigBytes = 16'000'000;

struct ConfigFile {
  std::string text;
  std::string file;  // What messages call it.
};

// Reads the text of a config.json. `file` is what messages call it; `quantisation` is the
// hf_quant_config.json beside it.
ModelSpec read_config(const std::string& text, const std::string& file, const std::string& name,
                      const std::optional<ConfigFile>& quantisation = std::nullopt);

}  // namespace moesim
