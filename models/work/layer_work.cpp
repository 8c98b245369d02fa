#include "models/work/layer_work.h"

#include <algorithm>

#include "models/spec/rank_shapes.h"
#include "models/work/kernel_parts.h"
#include "models/work/layer_work_attention.h"

namespace moesim {

void AttentionLoad::add_prefill(std::int64_t past, std::int64_t tokens, std::int64_t window) {
  if (tokens <= 0) return;
  const double n = static_cast<double>(tokens);
  const double before = static_cast<double>(past);
  prefill_tokens += tokens;
  prefill_past += before;
  ++prefill_chunks;
  if (window <= 0 || past + tokens <= window) {
    prefill_pairs += n * before + n * (n + 1) / 2;
    prefill_keys += before + n;
    return;
  }
  // The first `growing` tokens still see all that came before them.
  const double limit = static_cast<double>(window);
  const double growing = std::max(0.0, limit - before);
  prefill_pairs += growing * before + growing * (growing + 1) / 2 + (n - growing) * limit;
  prefill_keys += std::min(before, limit - 1) + n;
}

void AttentionLoad::add_decode(std::int64_t context, std::int64_t window) {
  ++decode_sequences;
  decode_keys += static_cast<double>(window > 0 ? std::min(context, window) : context);
}

namespace {

Kernel norm(const ModelSpec& model, std::int64_t tokens, int count) {
  // Reads the block's output and the residual, writes the sum and its norm.
  constexpr double kPasses = 4;
  const double bytes = static_cast<double>(tokens * model.hidden_size) * kPasses * kActivationBytes;
  return elementwise("norm", bytes * count, count);
}

void add_ffn(std::vector<Kernel>& out, const Matrices& matrices, std::int64_t tokens,
             const MatrixFormats& formats) {
  const Matrix& up = matrices[0];
  const Matrix& down = matrices[1];
  out.push_back(gemm(up, tokens, formats.of(up.name)));
  out.push_back(activation(tokens, down.k, static_cast<int>(up.n / down.k) + 1));
  out.push_back(gemm(down, tokens, formats.of(down.name)));
}

// The gate's matrix is replicated and stays in 16 bit; tensor cores sum it up in fp32, and logits
// stay so. The choice reads them and writes an id and a weight per pick.
void add_gate(std::vector<Kernel>& out, const ModelSpec& model, const MoeSpec& moe,
              std::int64_t tokens) {
  constexpr double kLogitBytes = 4;
  constexpr double kChoiceBytes = 8;
  const std::int64_t columns = gate_columns(moe);
  const double logits = static_cast<double>(tokens * columns);
  Kernel gate = gemm({"gate", Matrix::Role::kInput, model.hidden_size, columns}, tokens, {});
  gate.bytes += Bytes(logits * (kLogitBytes - kActivationBytes));
  out.push_back(gate);
  out.push_back(elementwise(
      "select", logits * kLogitBytes + static_cast<double>(tokens * moe.top_k) * kChoiceBytes));
}

// Projections of all tokens to the width that the experts read, and back.
void add_latent(std::vector<Kernel>& out, const ModelSpec& model, const MoeSpec& moe,
                std::int64_t tokens) {
  if (!moe.is_latent(model.hidden_size)) return;
  const std::int64_t hidden = model.hidden_size;
  out.push_back(gemm({"to_latent", Matrix::Role::kInput, hidden, moe.expert_input}, tokens, {}));
  out.push_back(gemm({"from_latent", Matrix::Role::kOutput, moe.expert_input, hidden}, tokens, {}));
}

// Several residual streams: small matrices over all of them, and their traffic.
void add_residual(std::vector<Kernel>& out, const ModelSpec& model, const LayerSpec& layer,
                  std::int64_t tokens) {
  if (layer.residual_passes == 0) return;
  const std::int64_t width = model.residual_streams * model.hidden_size;
  if (layer.residual_params >= width) {
    out.push_back(gemm({"mix_streams", Matrix::Role::kInput, width, layer.residual_params / width},
                       tokens, {}));
  }
  const double bytes = static_cast<double>(tokens * model.hidden_size * layer.residual_passes);
  out.push_back(elementwise("residual", bytes * kActivationBytes, 2));
}

}  // namespace

std::vector<Kernel> linear_kernels(const ModelSpec& model, const LayerSpec& layer,
                                   const ParallelPlan& plan, const DtypePlan& dtypes,
                                   std::int64_t tokens, SharedExperts shared) {
  std::vector<Kernel> out;
  if (tokens <= 0) return out;
  out.reserve(24);
  int norms = layer.num_norms;
  if (layer.attention.kind != AttentionKind::kNone) {
    if (norms > 0) out.push_back(norm(model, tokens, 1));
    norms = std::max(norms - 1, 0);
    add_attention_projections(out, model, layer, plan, dtypes, tokens);
  }
  if (norms > 0) out.push_back(norm(model, tokens, norms));
  add_residual(out, model, layer, tokens);
  if (layer.dense_width > 0) {
    const Matrices matrices =
        ffn_matrices(model.hidden_size, layer.dense_width, layer.dense_matrices, plan.tp);
    add_quantise(out, tokens, matrices.front(), matrices.back(), layer.formats.dense);
    add_ffn(out, matrices, tokens, layer.formats.dense);
  }
  if (!layer.moe) return out;
  add_gate(out, model, *layer.moe, tokens);
  add_latent(out, model, *layer.moe, tokens);
  if (shared == SharedExperts::kApart) return out;
  for (Kernel& kernel : shared_expert_kernels(model, layer, plan, tokens)) {
    out.push_back(std::move(kernel));
  }
  return out;
}

std::vector<Kernel> shared_expert_kernels(const ModelSpec& model, const LayerSpec& layer,
                                          const ParallelPlan& plan, std::int64_t tokens) {
  std::vector<Kernel> out;
  if (tokens <= 0 || !layer.moe || layer.moe->shared_width <= 0) return out;
  const MoeSpec& moe = *layer.moe;
  add_ffn(out, ffn_matrices(model.hidden_size, moe.shared_width, moe.ffn_matrices, plan.tp), tokens,
          layer.formats.shared);
  return out;
}

namespace {

Kernel attention_gemm(const LayerSpec& layer, const Matrix& matrix, std::int64_t tokens) {
  return gemm(matrix, tokens, layer.formats.attention.of(matrix.name));
}

Kernel dense_gemm(const LayerSpec& layer, const Matrix& matrix, std::int64_t tokens) {
  return gemm(matrix, tokens, layer.formats.dense.of(matrix.name));
}

}  // namespace

ReduceNeighbours attention_reduce(const ModelSpec& model, const LayerSpec& layer,
                                  const ParallelPlan& plan, std::int64_t tokens) {
  ReduceNeighbours sides;
  const Matrices mixing = attention_matrices(layer.attention, model.hidden_size, plan.tp);
  if (tokens <= 0 || mixing.empty()) return sides;
  sides.before.push_back(attention_gemm(layer, mixing.back(), tokens));
  if (layer.dense_width > 0) {
    const Matrices dense =
        ffn_matrices(model.hidden_size, layer.dense_width, layer.dense_matrices, plan.tp);
    sides.after.push_back(dense_gemm(layer, dense.front(), tokens));
  }
  return sides;
}

ReduceNeighbours ffn_reduce(const ModelSpec& model, const LayerSpec& layer,
                            const ParallelPlan& plan, std::int64_t tokens) {
  ReduceNeighbours sides;
  if (tokens <= 0) return sides;
  const Matrices mixing = attention_matrices(layer.attention, model.hidden_size, plan.tp);
  if (!mixing.empty()) sides.after.push_back(attention_gemm(layer, mixing.front(), tokens));
  if (layer.dense_width > 0) {
    const Matrices dense =
        ffn_matrices(model.hidden_size, layer.dense_width, layer.dense_matrices, plan.tp);
    sides.before.push_back(dense_gemm(layer, dense.back(), tokens));
  }
  return sides;
}

namespace {

// Grouped GEMM over the experts hit: their matrices are read once, each pair or padding is one row.
//   flops = 2 rows n k;  bytes = hit k n b_weights + rows (k b_activation + 2 n)
Kernel grouped_gemm(const Matrix& matrix, const ExpertLoad& load, const MatrixFormats& formats) {
  const WeightFormat format = formats.of(matrix.name);
  Kernel kernel = gemm(matrix, load.pairs + load.padding_rows, format);
  kernel.kind = KernelKind::kGroupedGemm;
  kernel.groups = load.experts_hit;
  kernel.bytes += Bytes(static_cast<double>(matrix.elements()) * format.stored_bytes() *
                        static_cast<double>(load.experts_hit - 1));
  return kernel;
}

// Whether the projections of the layer are quantised as its experts are.
bool quantises_projections(const ModelSpec& model, const LayerSpec& layer) {
  const Matrices mixing = attention_matrices(layer.attention, model.hidden_size, 1);
  return std::any_of(mixing.begin(), mixing.end(), [&layer](const Matrix& matrix) {
    return layer.formats.attention.of(matrix.name).quantises_activations();
  });
}

}  // namespace

// Permutation reads and writes each pair's row; the weighted sum reads each result and adds it up.
// Where projections are quantised, the expert inputs are too, inside the permutation and the
// activation; their launches are counted once per layer (docs/physics.md, "Launches").
std::vector<Kernel> expert_kernels(const ModelSpec& model, const LayerSpec& layer,
                                   const ParallelPlan& plan, const ExpertLoad& load) {
  std::vector<Kernel> out;
  if (load.pairs <= 0) return out;
  const MoeSpec& moe = *layer.moe;
  const MatrixFormats& formats = layer.formats.routed;
  const std::int64_t input = moe.expert_input > 0 ? moe.expert_input : model.hidden_size;
  const Matrices matrices = ffn_matrices(input, moe.expert_width, moe.ffn_matrices, plan.moe_tp);
  const std::int64_t rows = load.pairs + load.padding_rows;
  const double row = static_cast<double>(rows * input);
  const double operand = element_bytes(formats.of(matrices[0].name).activations);
  if (!quantises_projections(model, layer)) {
    add_quantise(out, rows, matrices[0], matrices[1], formats);
  }
  out.push_back(elementwise("permute", row * 2 * operand, 3));
  out.push_back(grouped_gemm(matrices[0], load, formats));
  out.push_back(activation(rows, matrices[1].k, moe.ffn_matrices));
  out.push_back(grouped_gemm(matrices[1], load, formats));
  out.push_back(elementwise("unpermute", row * 2 * kActivationBytes));
  return out;
}

std::vector<Kernel> head_kernels(const ModelSpec& model, const ParallelPlan& plan,
                                 std::int64_t tokens, std::int64_t sampled, double sampling_bytes) {
  constexpr int kSamplingLaunches = 4;
  std::vector<Kernel> out;
  if (tokens > 0) {
    out.push_back(elementwise(
        "embedding", static_cast<double>(tokens * model.hidden_size) * 2 * kActivationBytes));
  }
  if (sampled <= 0) return out;
  out.push_back(norm(model, sampled, 1));
  const std::int64_t columns = share(round_up(model.vocab_size, kVocabularyMultiple), plan.tp);
  out.push_back(gemm({"head", Matrix::Role::kOutput, model.hidden_size, columns}, sampled,
                     model.head_format));
  out.push_back(elementwise("sample",
                            static_cast<double>(sampled * model.vocab_size) * sampling_bytes,
                            kSamplingLaunches));
  return out;
}

Bytes activation_bytes(const ModelSpec& model, std::int64_t tokens) {
  return Bytes(static_cast<double>(tokens * model.hidden_size) * kActivationBytes);
}

}  // namespace moesim
