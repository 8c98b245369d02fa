// The header of a NumPy file, read as strictly as hostile input needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/router/recorded/input_file.h"

namespace moesim {

struct NpyHeader {
  std::string type;  // As written, without the byte order: "i4".
  std::int64_t item_bytes = 0;
  bool is_signed = true;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::int64_t data_begin = 0;  // Byte of the file.
};

// The header of a file of little-endian integers.
// Throws: InputError for anything else, and for shapes that do not fit the file's size.
NpyHeader read_npy_header(const InputFile& file);

// "(4096, 58, 8)".
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace moesim
