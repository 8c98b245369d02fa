#include "models/work/kernel_parts.h"

#include "models/spec/stored_bytes.h"

namespace moesim {

Dtype multiply_dtype(Dtype weights) {
  return weights == Dtype::kInt4 ? Dtype::kBf16 : weights;
}

bool quantises_activations(Dtype weights) {
  return weights == Dtype::kFp8 || weights == Dtype::kInt8 || weights == Dtype::kFp4;
}

Kernel gemm(const Matrix& matrix, std::int64_t m, Dtype weights) {
  Kernel kernel;
  kernel.kind = KernelKind::kGemm;
  kernel.dtype = multiply_dtype(weights);
  kernel.weights = weights;
  kernel.m = m;
  kernel.n = matrix.n;
  kernel.k = matrix.k;
  const double rows = static_cast<double>(m);
  const double elements = static_cast<double>(matrix.elements());
  kernel.flops = Flops(2 * rows * elements);
  kernel.bytes = Bytes(elements * stored_bytes(weights) +
                       rows * (static_cast<double>(matrix.k) * element_bytes(kernel.dtype) +
                               static_cast<double>(matrix.n) * kActivationBytes));
  kernel.name = matrix.name;
  return kernel;
}

Kernel elementwise(const char* name, double bytes, int launches) {
  Kernel kernel;
  kernel.bytes = Bytes(bytes);
  kernel.launches = launches;
  kernel.name = name;
  return kernel;
}

Kernel quantise(std::int64_t tokens, std::int64_t width) {
  constexpr double kReadAndWrite = kActivationBytes + 1;
  return elementwise("quantise", static_cast<double>(tokens * width) * kReadAndWrite, 3);
}

Kernel activation(std::int64_t rows, std::int64_t rank_width, int matrices) {
  return elementwise("activation",
                     static_cast<double>(rows * rank_width * matrices) * kActivationBytes);
}

}  // namespace moesim
