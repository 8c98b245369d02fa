#include "base/dtype.h"

namespace moesim {

double element_bytes(Dtype dtype) {
  switch (dtype) {
    case Dtype::kFp32:
      return 4;
    case Dtype::kBf16:
    case Dtype::kFp16:
      return 2;
    case Dtype::kFp8:
    case Dtype::kInt8:
      return 1;
    case Dtype::kFp4:
    case Dtype::kInt4:
      return 0.5;
  }
  return 0;
}

}  // namespace moesim
