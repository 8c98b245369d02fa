// The tensors of a checkpoint, which may be spread over several .safetensors files.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/router/recorded/safetensors.h"

namespace moesim {

// The file that holds a tensor by the checkpoint's index.
struct TensorPlace {
  std::string name;
  std::string file;  // Path.
};

// The places that an index (model.safetensors.index.json) gives for the tensors whose names
// `wanted` accepts. Throws: InputError if it is bad, or names files that do not stand beside it.
std::vector<TensorPlace> read_checkpoint_index(const std::string& path,
                                               bool (*wanted)(std::string_view name));

class Checkpoint {
 public:
  // `path` is a .safetensors file, an index of several (model.safetensors.index.json), or a folder
  // with an index or else with .safetensors files.
  // Keeps the places of those tensors whose name `wanted` accepts.
  // Throws: InputError for a path that is none of these, or a bad index or file.
  Checkpoint(const std::string& path, bool (*wanted)(std::string_view name));

  // By name, then file; a name may be there more than once.
  const std::vector<TensorPlace>& places() const { return places_; }
  // The file, opened on first use.
  // Throws: InputError if it is bad.
  const SafetensorsFile& file(const std::string& path);

 private:
  void add_file(const std::string& path, bool (*wanted)(std::string_view name));

  std::vector<TensorPlace> places_;
  std::map<std::string, std::unique_ptr<SafetensorsFile>> files_;
};

}  // namespace moesim
