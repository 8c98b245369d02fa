#include "models/work/kernel_shapes.h"

#include <fmt/format.h>

#include <array>
#include <set>
#include <string_view>
#include <vector>

#include "hardware/kernels/measured_columns.h"
#include "hardware/kernels/measured_kernels.h"
#include "models/work/layer_work.h"

namespace moesim {
namespace {

// Any extent will do: only the shapes count.
constexpr std::int64_t kTokens = 64;

std::vector<Kernel> all_kernels(const ModelSpec& model, const ParallelPlan& plan,
                                const DtypePlan& dtypes) {
  std::vector<Kernel> out;
  const auto append = [&out](const std::vector<Kernel>& more) {
    out.insert(out.end(), more.begin(), more.end());
  };
  for (const LayerSpec& layer : model.layers) {
    append(linear_kernels(model, layer, plan, dtypes, kTokens));
    AttentionLoad load;
    load.add_prefill(0, kTokens, layer.attention.window);
    load.add_decode(kTokens, layer.attention.window);
    append(attention_kernels(layer, plan, dtypes, load));
    if (!layer.moe) continue;
    const std::int64_t held = (layer.moe->num_experts + plan.ep - 1) / plan.ep;
    append(expert_kernels(model, layer, plan, {held, held}));
  }
  append(head_kernels(model, plan, kTokens, kTokens));
  return out;
}

// The chunked core of linear attention is counted as a GEMM but is none that could be timed.
bool is_timeable(const Kernel& kernel) {
  return std::string_view(kernel.name) != "linear_attention";
}

std::string row_of(const Kernel& kernel) {
  const std::string_view kind = word_of(kernel.kind);
  const std::string_view dtype = word_of(kernel.dtype);
  const AttentionShape& a = kernel.attention;
  switch (kernel.kind) {
    case KernelKind::kGemm:
    case KernelKind::kGroupedGemm:
      return fmt::format("{},{},{},,{},{},{},,,,,\n", kind, dtype, word_of(kernel.weights),
                         kernel.n, kernel.k, std::max<std::int64_t>(kernel.groups, 1));
    case KernelKind::kPrefillAttention:
    case KernelKind::kDecodeAttention:
      return fmt::format("{},{},,{},,,,{},{},{},{},{}\n", kind, dtype, word_of(a.cache), a.heads,
                         a.kv_heads, a.head_dim, a.v_head_dim, a.window);
    case KernelKind::kElementwise:
      break;
  }
  return fmt::format("{},,,,,,,,,,,\n", kind);
}

}  // namespace

std::vector<Kernel> kernel_shapes(const ModelSpec& model, const ParallelPlan& plan,
                                  const DtypePlan& dtypes) {
  std::vector<Kernel> out;
  std::set<std::array<std::int64_t, 8>> seen;
  for (const Kernel& kernel : all_kernels(model, plan, dtypes)) {
    const auto shape = measured_shape(kernel);
    if (is_timeable(kernel) && shape && seen.insert(shape->fixed).second) out.push_back(kernel);
  }
  return out;
}

std::string kernel_shapes_csv(const std::vector<Kernel>& kernels) {
  std::string out =
      "kind,dtype,weight_dtype,kv_dtype,n,k,groups,heads,kv_heads,head_dim,v_head_dim,window\n";
  for (const Kernel& kernel : kernels) out += row_of(kernel);
  return out;
}

}  // namespace moesim
