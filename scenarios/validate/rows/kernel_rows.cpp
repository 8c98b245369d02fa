#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "hardware/kernels/kernel.h"
#include "models/spec/model_formats.h"
#include "models/work/kernel_parts.h"
#include "models/work/layer_work.h"
#include "scenarios/validate/rows/conditions.h"
#include "scenarios/validate/rows/power_law.h"
#include "scenarios/validate/rows/topics.h"

namespace moesim {
namespace {

using namespace literals;

// A kernel timed alone pays the start of the benchmark's own launch, which the kernels of a CUDA
// graph do not. Source: docs/physics.md, "Measured rows".
constexpr Seconds kGemmStart = 3.5_us, kNarrowGemmStart = 4.5_us, kAmpereGemmStart = 4.5_us;
constexpr Seconds kQuantiseStart = 7.0_us;
constexpr Seconds kAttentionStart = 9.0_us;
constexpr Seconds kLayerStart = 33.0_us, kAmpereLayerStart = 70.0_us;

constexpr int kDraws = 6;  // Of a skewed layer.
constexpr std::uint64_t kSeed = 7;

struct KernelRow {
  const TruthRow& row;
  const Library& library;
  ValidationPlan& plan;
  Measurement& figure;

  bool is_ampere() const { return figure.hardware.starts_with("a100"); }

  Dtype dtype() const {
    const auto dtype = from_word<Dtype>(row.text("dtype"));
    if (!dtype) throw Skipped{fmt::format("format {} not known", row.text("dtype"))};
    return *dtype;
  }

  WeightFormat format() const {
    const auto name = from_word<FormatName>(row.text("dtype"));
    if (!name) throw Skipped{fmt::format("format {} not known", row.text("dtype"))};
    return named_format(*name);
  }

  DeviceModel device() const {
    DeviceSpec spec = stated_hardware(row, library);
    spec.family.launch = Seconds(0);
    return DeviceModel(spec, Watts(0), 1);
  }

  static Seconds busy(const DeviceModel& device, const std::vector<Kernel>& kernels) {
    Seconds sum;
    for (const Kernel& kernel : kernels) sum += device.cost(kernel, false).busy;
    return sum;
  }

  Matrix matrix() const {
    return {"timed", Matrix::Role::kInput, stated(row, "k"), stated(row, "n")};
  }

  // The times of block-scaled fp8 in vLLM include the kernel that quantises the activations; those
  // of other tables do not.
  Seconds gemm_time() const {
    const std::int64_t m = stated(row, "m");
    const bool narrow = element_bytes(dtype()) < 2;
    Seconds time = is_ampere() ? kAmpereGemmStart : narrow ? kNarrowGemmStart : kGemmStart;
    time += busy(device(), {gemm(matrix(), m, format())});
    const bool quantised = row.text("scaling") == "block" && row.text("engine").starts_with("VLLM");
    if (quantised) time += kQuantiseStart + busy(device(), {quantise(m, matrix().k)});
    return time;
  }

  Seconds grouped_time() const {
    const std::int64_t groups = stated(row, "groups");
    Kernel kernel = gemm(matrix(), groups * stated(row, "m"), format());
    kernel.kind = KernelKind::kGroupedGemm;
    kernel.groups = groups;
    kernel.bytes += Bytes(static_cast<double>((groups - 1) * matrix().elements()) *
                          element_bytes(kernel.dtype));
    return kNarrowGemmStart + busy(device(), {kernel});
  }

  double exponent() const {
    const std::string& routing = row.text("routing");
    constexpr std::string_view kPrefix = "power_law_";
    double value = 0;
    if (routing.starts_with(kPrefix)) {
      std::from_chars(routing.data() + kPrefix.size(), routing.data() + routing.size(), value);
    }
    if (!(value > 0 && value < 10) || value == 1) {
      throw Skipped{
          fmt::format("routing {} is not known", routing.empty() ? "not stated" : routing)};
    }
    return value;
  }

  std::vector<ExpertLoad> expert_loads() const {
    const std::int64_t tokens = stated(row, "num_tokens"), top_k = stated(row, "topk");
    const std::int64_t experts = stated(row, "experts"), groups = stated(row, "moe_ep");
    if (top_k > experts) throw Skipped{"topk above the number of experts"};
    // In the SGLang tables the timed rank handles the pairs of min(topk, moe_ep) ranks: the same
    // time for moe_ep 1 to topk. Source: docs/physics.md, "Measured rows".
    const std::int64_t crowd =
        row.text("engine").starts_with("SGLang") ? std::min(top_k, groups) : 1;
    if (row.text("routing") == "balanced") {
      const std::int64_t pairs = (tokens * top_k * crowd + groups - 1) / groups;
      const std::int64_t alone = (tokens * top_k + groups - 1) / groups;
      const std::int64_t local = std::max<std::int64_t>(1, experts / groups);
      return {{pairs, std::min(local, std::max(alone, pairs))}};
    }
    const SkewedLayer layer{tokens, top_k, experts, groups, exponent()};
    RandomStream random(kSeed, "power law loads");
    std::vector<ExpertLoad> loads;
    for (int draw = 0; draw < kDraws; ++draw) {
      loads.push_back(fullest_rank(layer, random));
      loads.back().pairs *= crowd;
    }
    return loads;
  }

  Seconds layer_time() const {
    ModelSpec model;
    model.hidden_size = stated(row, "hidden");
    MoeSpec moe;
    moe.num_experts = stated(row, "experts");
    moe.top_k = stated(row, "topk");
    moe.expert_width = stated(row, "inter");
    moe.expert_input = model.hidden_size;
    ParallelPlan widths;
    widths.moe_tp = stated(row, "moe_tp");
    LayerSpec layer;
    layer.moe = moe;
    set_routed_format(layer, format());
    const DeviceModel timed = device();
    const std::vector<ExpertLoad> loads = expert_loads();
    Seconds sum;
    for (const ExpertLoad& load : loads) {
      sum += busy(timed, expert_kernels(model, layer, widths, load));
    }
    return (is_ampere() ? kAmpereLayerStart : kLayerStart) +
           sum / static_cast<double>(loads.size());
  }

  Seconds attention_time() const {
    LayerSpec layer;
    layer.attention.num_heads = stated(row, "heads");
    layer.attention.num_kv_heads = stated(row, "kv_heads");
    layer.attention.head_dim = layer.attention.v_head_dim = stated(row, "head_dim");
    DtypePlan dtypes;
    dtypes.kv = dtype();
    const std::int64_t batch = stated(row, "batch"), keys = stated(row, "kv_len");
    const std::int64_t window = row.count("window").value_or(0);
    AttentionLoad load;
    if (figure.kind == "context_attention") {
      const std::int64_t tokens = stated(row, "seq");
      if (keys < tokens) throw Skipped{"kv_len below seq"};
      for (std::int64_t b = 0; b < batch; ++b) load.add_prefill(keys - tokens, tokens, window);
    } else {
      for (std::int64_t b = 0; b < batch; ++b) load.add_decode(keys, window);
    }
    return kAttentionStart + busy(device(), attention_kernels(layer, ParallelPlan{}, dtypes, load));
  }

  // Rate of a multiplication as its authors count FLOPs and bytes: operands once, bf16 results.
  double rate(Seconds time) const {
    const double m = stated_number(row, "m"), n = stated_number(row, "n"),
                 k = stated_number(row, "k");
    const double groups = row.number("groups").value_or(1);
    if (figure.metric == "tflops") return 2 * groups * m * n * k / time.value() / 1e12;
    const double bytes = groups * ((m * k + n * k) * element_bytes(dtype()) + 2 * m * n);
    return bytes / time.value() / 1e9;
  }

  void answer() const {
    const std::string& kind = figure.kind;
    const bool multiplies = kind.find("gemm") != std::string::npos;
    const bool is_rate = figure.metric == "tflops" || figure.metric == "gbps";
    if (figure.metric != "time_s" && !(is_rate && multiplies)) {
      throw Skipped{fmt::format("metric {} of {} is not predicted", figure.metric, kind)};
    }
    Seconds time;
    if (kind == "gemm" || kind == "gemm_best_shape") {
      time = gemm_time();
    } else if (kind.starts_with("grouped_gemm")) {
      time = grouped_time();
    } else if (kind == "moe_layer") {
      time = layer_time();
    } else if (kind == "context_attention" || kind == "generation_attention") {
      time = attention_time();
    } else {
      throw Skipped{fmt::format("kernel {} is not modelled", kind)};
    }
    plan.predict(figure, figure.metric == "time_s" ? time.value() : rate(time));
  }
};

}  // namespace

void plan_kernels(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  for (const TruthRow& row : table.rows) {
    Measurement& figure = plan.add(table, row);
    figure.kind = row.text("kind");
    try {
      if (!row.fault().empty()) throw Skipped{row.fault()};
      KernelRow{row, library, plan, figure}.answer();
    } catch (const Skipped& skipped) {
      plan.skip(figure, skipped.reason);
    }
  }
}

}  // namespace moesim
