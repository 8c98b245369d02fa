#include "models/work/kernel_parts.h"

namespace moesim {

Kernel gemm(const Matrix& matrix, std::int64_t m, const WeightFormat& format) {
  Kernel kernel;
  kernel.kind = KernelKind::kGemm;
  kernel.dtype = format.activations;
  kernel.weights = format.dtype;
  kernel.weight_bytes = format.stored_bytes();
  kernel.m = m;
  kernel.n = matrix.n;
  kernel.k = matrix.k;
  const double rows = static_cast<double>(m);
  const double elements = static_cast<double>(matrix.elements());
  kernel.flops = Flops(2 * rows * elements);
  kernel.bytes = Bytes(elements * format.stored_bytes() +
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

Kernel quantise(std::int64_t tokens, std::int64_t width, int projections) {
  constexpr double kReadAndWrite = kActivationBytes + 1;
  const int launches = (3 * projections + 1) / 2;
  return elementwise("quantise", static_cast<double>(tokens * width) * kReadAndWrite, launches);
}

void add_quantise(std::vector<Kernel>& out, std::int64_t tokens, const Matrix& first,
                  const Matrix& last, const MatrixFormats& formats) {
  std::int64_t width = 0;
  int projections = 0;
  for (const Matrix* matrix : {&first, &last}) {
    if (!formats.of(matrix->name).quantises_activations()) continue;
    width += matrix->k;
    ++projections;
  }
  if (projections > 0) out.push_back(quantise(tokens, width, projections));
}

Kernel activation(std::int64_t rows, std::int64_t rank_width, int matrices) {
  return elementwise("activation",
                     static_cast<double>(rows * rank_width * matrices) * kActivationBytes);
}

}  // namespace moesim
