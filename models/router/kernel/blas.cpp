#include "models/router/kernel/blas.h"

#include <cblas-openblas.h>

#include <cstdlib>
#include <string_view>

// Chooses the kernels anew after OPENBLAS_CORETYPE changed. Exported by every build of OpenBLAS
// that picks kernels at run time, absent in the others: hence weak.
extern "C" {
__attribute__((weak)) void gotoblas_dynamic_quit();
__attribute__((weak)) void gotoblas_dynamic_init();
}

namespace moesim {

namespace {

// OpenBLAS 0.3.21 does not know processors younger than itself and falls back to SSE3 kernels, 4
// times slower than the AVX-512 ones (measured on Emerald Rapids: 30 against 120 GFLOP/s per core).
void choose_blas_kernels() {
#if defined(__x86_64__)
  const bool fell_back = std::string_view(openblas_get_corename()) == "Prescott";
  if (!fell_back || !gotoblas_dynamic_quit || !gotoblas_dynamic_init) return;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!avx512 && !avx2) return;
  setenv("OPENBLAS_CORETYPE", avx512 ? "SkylakeX" : "Haswell", 0);  // The user's choice stays.
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
#endif
}

bool prepare_blas() {
  choose_blas_kernels();
  openblas_set_num_threads(1);
  return true;
}

}  // namespace

void multiply_by_transpose(MatrixView a, MatrixView b, ProductRows product) {
  static const bool ready = prepare_blas();
  if (!ready || a.rows == 0 || b.rows == 0) return;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<blasint>(a.rows),
              static_cast<blasint>(b.rows), static_cast<blasint>(a.columns), 1.0F, a.data,
              static_cast<blasint>(a.stride), b.data, static_cast<blasint>(b.stride), 0.0F,
              product.data, static_cast<blasint>(product.stride));
}

void multiply_by_transpose(MatrixView a, MatrixView b, float* product) {
  multiply_by_transpose(a, b, {product, b.rows});
}

}  // namespace moesim
