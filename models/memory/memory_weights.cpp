// Weights of one device: every tensor with the bytes of the format that it is stored in.
// Source: docs/physics.md, "Memory".
#include "models/memory/memory_parts.h"
#include "models/spec/rank_shapes.h"

namespace moesim {
namespace {

Bytes stored(const Matrices& matrices, const MatrixFormats& formats) {
  Bytes sum;
  for (const Matrix& matrix : matrices) {
    sum += Bytes(static_cast<double>(matrix.elements()) * formats.of(matrix.name).stored_bytes());
  }
  return sum;
}

Bytes wide(const LedgerInputs& in, std::int64_t elements) {
  return Bytes(static_cast<double>(elements) * in.wide_bytes());
}

// Biases and norms of attention are replicated: a rank's part of them is not known and below 0.01
// %. The small parameters of linear attention (convolution, decay) belong to heads and are split.
Bytes attention_weights(const LedgerInputs& in, const LayerSpec& layer) {
  const AttentionSpec& a = layer.attention;
  if (a.kind == AttentionKind::kNone) return Bytes();
  const std::int64_t split = a.kind == AttentionKind::kLinear ? in.plan.tp : 1;
  return stored(attention_matrices(a, in.model.hidden_size, in.plan.tp), layer.formats.attention) +
         wide(in, share(a.unquantised_params, split));
}

// Outputs of the first matrices are split, those of the last are not.
std::int64_t ffn_biases(std::int64_t input, std::int64_t width, int matrices, std::int64_t ranks) {
  return (matrices - 1) * share(width, ranks) + input;
}

Bytes dense_weights(const LedgerInputs& in, const LayerSpec& layer) {
  if (layer.dense_width == 0) return Bytes();
  const std::int64_t hidden = in.model.hidden_size;
  const Matrices matrices =
      ffn_matrices(hidden, layer.dense_width, layer.dense_matrices, in.plan.tp);
  const std::int64_t biases =
      layer.dense_bias ? ffn_biases(hidden, layer.dense_width, layer.dense_matrices, in.plan.tp)
                       : 0;
  return stored(matrices, layer.formats.dense) + wide(in, biases);
}

// Physical experts of one EP group, each split over moe_tp ranks.
Bytes routed_weights(const LedgerInputs& in, const LayerSpec& layer) {
  const MoeSpec& moe = *layer.moe;
  const std::int64_t slots = share(moe.num_experts + in.experts.redundant, in.plan.ep);
  const bool padded = layer.formats.routed.of("down").dtype == Dtype::kFp4;
  const std::int64_t width =
      padded ? round_up(moe.expert_width, in.rules.fp4_width_multiple) : moe.expert_width;
  const std::int64_t input = moe.expert_input > 0 ? moe.expert_input : in.model.hidden_size;
  const std::int64_t biases =
      moe.expert_bias ? ffn_biases(input, width, moe.ffn_matrices, in.plan.moe_tp) : 0;
  const Matrices matrices = ffn_matrices(input, width, moe.ffn_matrices, in.plan.moe_tp);
  return (stored(matrices, layer.formats.routed) + wide(in, biases)) * static_cast<double>(slots);
}

Bytes shared_weights(const LedgerInputs& in, const LayerSpec& layer) {
  const MoeSpec& moe = *layer.moe;
  if (moe.shared_width == 0) return Bytes();
  return stored(ffn_matrices(in.model.hidden_size, moe.shared_width, moe.ffn_matrices, in.plan.tp),
                layer.formats.shared);
}

// Selection biases are kept in fp32; projections of latent experts are on every rank, in 16 bit.
Bytes gate_weights(const LedgerInputs& in, const MoeSpec& moe) {
  const std::int64_t experts = moe.num_experts + moe.router.num_zero_experts;
  const std::int64_t bias = moe.router.gate_bias ? experts : 0;
  constexpr double kCorrectionBytes = 4;
  const double correction =
      moe.router.correction_bias ? static_cast<double>(experts) * kCorrectionBytes : 0;
  const std::int64_t latent = moe.latent_params(in.model.hidden_size);
  return wide(in, gate_columns(moe) * in.model.hidden_size + bias + latent) + Bytes(correction);
}

// The first stage looks tokens up, the last one turns hidden states into logits; with tied matrices
// a lone stage holds one copy. Positions and norms are replicated.
Bytes vocabulary_weights(const LedgerInputs& in, std::int64_t stage) {
  const std::int64_t rows = share(round_up(in.model.vocab_size, kVocabularyMultiple), in.plan.tp);
  const bool first = stage == 0;
  const bool last = stage == in.plan.pp - 1;
  const bool own_head = last && !(first && in.model.tied_embeddings);
  const std::int64_t elements = rows * in.model.hidden_size;
  const double head_bytes =
      in.model.tied_embeddings ? in.wide_bytes() : in.model.head_format.stored_bytes();
  return wide(in, (first ? elements + in.model.position_params : 0) +
                      (last ? in.model.final_norm_params : 0) +
                      (first ? share(in.model.tower_params, in.plan.tp) : 0)) +
         Bytes(own_head ? static_cast<double>(elements) * head_bytes : 0);
}

}  // namespace

void add_weights(MemoryLedger& ledger, const LedgerInputs& in, std::int64_t stage) {
  const LayerRange range =
      stage_layers(static_cast<std::int64_t>(in.model.layers.size()), in.plan.pp, stage);
  ledger.embedding_weights = vocabulary_weights(in, stage);
  for (std::int64_t i = range.first; i < range.last; ++i) {
    const LayerSpec& layer = in.model.layers[static_cast<std::size_t>(i)];
    ledger.attention_weights += attention_weights(in, layer);
    ledger.dense_weights += dense_weights(in, layer);
    ledger.embedding_weights += wide(in, layer.norm_params);
    ledger.embedding_weights += Bytes(static_cast<double>(layer.residual_params) * 4);  // fp32
    if (!layer.moe) continue;
    ledger.routed_weights += routed_weights(in, layer);
    ledger.shared_weights += shared_weights(in, layer);
    ledger.gate_weights += gate_weights(in, *layer.moe);
  }
}

}  // namespace moesim
