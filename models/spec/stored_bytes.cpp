#include "models/spec/stored_bytes.h"

namespace moesim {

double stored_bytes(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFp8:
      return 1 + 4.0 / (128 * 128);  // One fp32 scale per 128 x 128 block.
    case Dtype::kFp4:
      return (4 + 8.0 / 32) / 8;  // mxfp4: an 8-bit scale per 32.
    case Dtype::kInt4:
      return 4.16 / 8;  // Groups of 128: scale and zero point.
    case Dtype::kFp32:
    case Dtype::kBf16:
    case Dtype::kFp16:
    case Dtype::kInt8:
      return element_bytes(dtype);
  }
  return element_bytes(dtype);
}

}  // namespace moesim
