// The shipped models and the reader of any Hugging Face config.json.
#pragma once

#include <string>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim {

// Names of the shipped models (the slugs), sorted.
std::vector<std::string> catalog_names();

// A model by catalog name or by path to a config.json (a name is a path if it contains '/' or
// ends in ".json").
// Throws: InputError for an unknown name (with a suggestion), an unreadable file, an architecture
// or a field that this program cannot represent (the field is named).
ModelSpec load_model(const std::string& name_or_path);

// Reads the text of a config.json. `file` is what messages call it.
ModelSpec read_config(const std::string& text, const std::string& file, const std::string& name);

}  // namespace moesim
