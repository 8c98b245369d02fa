// Sums over lists of kernels, and loads to make them from.
#pragma once

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "models/work/layer_work.h"

namespace moesim {

using Kernels = std::vector<Kernel>;

inline double flops(const Kernels& kernels) {
  double sum = 0;
  for (const Kernel& kernel : kernels) sum += kernel.flops.value();
  return sum;
}

// FLOPs of the matrices alone, without the attention core.
inline double gemm_flops(const Kernels& kernels) {
  double sum = 0;
  for (const Kernel& kernel : kernels) {
    if (kernel.kind == KernelKind::kGemm || kernel.kind == KernelKind::kGroupedGemm) {
      sum += kernel.flops.value();
    }
  }
  return sum;
}

inline int launches(const Kernels& kernels) {
  int sum = 0;
  for (const Kernel& kernel : kernels) sum += kernel.launches;
  return sum;
}

inline Kernel named(const Kernels& kernels, const char* name) {
  const auto found = std::find_if(kernels.begin(), kernels.end(), [name](const Kernel& kernel) {
    return std::strcmp(kernel.name, name) == 0;
  });
  if (found == kernels.end()) throw std::out_of_range(name);
  return *found;
}

inline AttentionLoad decode_load(std::int64_t sequences, std::int64_t context) {
  AttentionLoad load;
  for (std::int64_t i = 0; i < sequences; ++i) load.add_decode(context, 0);
  return load;
}

}  // namespace moesim
