// Tensors of a .safetensors file: 8 bytes with the header's length, a JSON header, the data.
// The header is checked against the file before any of it is used.
// Source: huggingface/safetensors, README (format).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/router/recorded/input_file.h"

namespace moesim {

struct TensorInfo {
  std::string name;
  std::string dtype;  // As written: "BF16".
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;  // Bytes of the file's data ...
  std::int64_t end = 0;

  // Elements, the product of the shape.
  std::int64_t size() const;
};

class SafetensorsFile {
 public:
  // Reads the header alone.
  // Throws: InputError with all faults: a header that is longer than the file or 100 MB, no JSON,
  // of other fields or repeated names, sizes that do not fit type and shape, tensors that overlap,
  // leave gaps or end elsewhere than the file.
  explicit SafetensorsFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  // By name.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  // The tensor of that name, or null.
  const TensorInfo* find(std::string_view name) const;
  // Whether read_floats() knows the type: F64, F32, F16 and BF16.
  static bool is_float(const TensorInfo& tensor);
  // A tensor's elements as fp32, and nothing else of the file.
  // Requires: is_float(tensor).
  std::vector<float> read_floats(const TensorInfo& tensor) const;

 private:
  InputFile file_;
  std::int64_t data_begin_ = 0;
  std::vector<TensorInfo> tensors_;
};

// 16-bit floats as fp32, exactly. bf16 is the upper half of an fp32; fp16 has 5 bits of exponent
// and 10 of mantissa (IEEE 754 binary16).
float bf16_to_float(std::uint16_t bits);
float fp16_to_float(std::uint16_t bits);

}  // namespace moesim
