// Files of torch.save: a pickle with tensors whose data lie beside it in a zip file.
// Source: pytorch/pytorch, torch/serialization.py and torch/_utils.py (_rebuild_tensor_v2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/router/counts/pickle.h"
#include "models/router/counts/stored_zip.h"

namespace moesim {

// A tensor's elements as whole numbers in C order.
struct WholeTensor {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> values;
};

class TorchFile {
 public:
  // Throws: InputError for anything else than such a file.
  explicit TorchFile(const std::string& path);

  const std::string& path() const { return zip_.file().path(); }
  const PickleTree& tree() const { return tree_; }
  static bool is_tensor(const PickleTree& tree, const PickleValue& value);
  // The storages of all tensors that are read have at most as many elements as the file has bytes,
  // so that a small file cannot ask for endless work.
  // Throws: InputError for a type without whole numbers, a number with a fraction, and data that
  // are not in the file.
  WholeTensor read(const PickleValue& tensor);

 private:
  StoredZip zip_;
  PickleTree tree_;
  std::int64_t elements_left_;
};

}  // namespace moesim
