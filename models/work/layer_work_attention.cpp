#include "models/work/layer_work_attention.h"

#include <algorithm>
#include <cmath>

#include "models/spec/kv_bytes.h"
#include "models/spec/rank_shapes.h"
#include "models/work/kernel_parts.h"
#include "models/work/layer_work.h"

namespace moesim {
namespace {

using Role = Matrix::Role;

// Rotates queries and keys in place and writes keys and values to the cache.
Kernel rope_and_cache(const AttentionSpec& a, const ParallelPlan& plan, Dtype kv,
                      std::int64_t tokens) {
  const bool latent = a.kind == AttentionKind::kLatent;
  const bool compressed = a.kind == AttentionKind::kCompressed;
  const std::int64_t rotated =
      latent || compressed ? (rank_heads(a, plan.tp) + 1) * a.qk_rope_head_dim
                           : (rank_heads(a, plan.tp) + rank_kv_heads(a, plan.tp)) * a.head_dim;
  const std::int64_t cached = compressed ? a.head_dim
                              : latent   ? a.kv_lora_rank + a.qk_rope_head_dim
                                         : rank_kv_heads(a, plan.tp) * (a.head_dim + a.v_head_dim);
  const double per_token = static_cast<double>(rotated) * 2 * kActivationBytes +
                           static_cast<double>(cached) * (kActivationBytes + element_bytes(kv));
  return elementwise("rope_cache", static_cast<double>(tokens) * per_token, 2);
}

// Convolution, gates, norms of a linear-attention layer: reads and writes the projected columns.
Kernel linear_mixing(const Matrix& in, std::int64_t tokens) {
  return elementwise("conv_gate", static_cast<double>(tokens * in.n) * 2 * kActivationBytes, 6);
}

// Norms of the compressed query and latent (MLA); norm, rotary and cache write of indexer keys.
void add_latent_norms(std::vector<Kernel>& out, const AttentionSpec& a, std::int64_t tokens) {
  const std::int64_t width = a.q_lora_rank + a.kv_lora_rank;
  out.push_back(elementwise("latent_norm",
                            static_cast<double>(tokens * width) * 2 * kActivationBytes,
                            a.q_lora_rank > 0 ? 2 : 1));
  if (a.index_num_heads == 0) return;
  const std::int64_t index_width = (a.index_num_heads + 1) * a.index_head_dim;
  out.push_back(elementwise("index_key",
                            static_cast<double>(tokens * index_width) * 2 * kActivationBytes, 2));
}

}  // namespace

void add_attention_projections(std::vector<Kernel>& out, const ModelSpec& model,
                               const LayerSpec& layer, const ParallelPlan& plan,
                               const DtypePlan& dtypes, std::int64_t tokens) {
  const AttentionSpec& a = layer.attention;
  const Matrices matrices = attention_matrices(a, model.hidden_size, plan.tp);
  const MatrixFormats& formats = layer.formats.attention;
  add_quantise(out, tokens, matrices.front(), matrices.back(), formats);
  for (const Matrix& matrix : matrices) {
    if (matrix.role == Role::kLatentExpand || matrix.role == Role::kOutput) continue;
    out.push_back(gemm(matrix, tokens, formats.of(matrix.name)));
  }
  if (a.kind == AttentionKind::kLatent) add_latent_norms(out, a, tokens);
  if (a.kind == AttentionKind::kLinear) {
    out.back().launches = 2;  // The small gate projections run beside the large one.
    out.push_back(linear_mixing(matrices.front(), tokens));
    out.push_back(elementwise(
        "gated_norm", static_cast<double>(tokens * matrices.back().k) * 3 * kActivationBytes));
  } else {
    out.push_back(rope_and_cache(a, plan, dtypes.kv, tokens));
  }
  out.push_back(gemm(matrices.back(), tokens, formats.of(matrices.back().name)));
}

namespace {

// Work of one attention core in one phase, per (query, key) pair, key and query.
struct Core {
  const char* name = "";
  double flops_per_pair = 0;
  double key_bytes = 0;
  double query_width = 0;  // Read and written, in 16 bit.
};

Kernel prefill_core(const Core& core, std::int64_t tokens, double pairs, double keys) {
  Kernel kernel;
  kernel.kind = KernelKind::kPrefillAttention;
  kernel.keys = std::llround(pairs / static_cast<double>(tokens));
  kernel.flops = Flops(core.flops_per_pair * pairs);
  kernel.bytes = Bytes(keys * core.key_bytes +
                       static_cast<double>(tokens) * core.query_width * kActivationBytes);
  kernel.name = core.name;
  return kernel;
}

Kernel decode_core(const Core& core, std::int64_t sequences, double keys) {
  Kernel kernel = prefill_core(core, sequences, keys, keys);
  kernel.kind = KernelKind::kDecodeAttention;
  kernel.keys = 0;
  return kernel;
}

// The extent of the chunks as measured tables know it: n equal chunks of S tokens after P cached
// ones. Without a window P is such that n chunks have as many (query, key) pairs as the real ones,
// however they differ: pairs = n (S P + S (S + 1)/2).
void set_prefill_extent(AttentionShape& shape, const AttentionLoad& load) {
  const double chunks = static_cast<double>(std::max<std::int64_t>(load.prefill_chunks, 1));
  const double tokens = static_cast<double>(load.prefill_tokens);
  shape.sequences = chunks;
  shape.queries = tokens / chunks;
  shape.keys = shape.window > 0
                   ? load.prefill_past / chunks
                   : std::max(0.0, load.prefill_pairs / tokens - (shape.queries + 1) / 2);
}

void set_decode_extent(AttentionShape& shape, double sequences, double keys) {
  shape.sequences = sequences;
  shape.queries = 1;
  shape.keys = keys / sequences;
}

AttentionShape shape_of(std::int64_t heads, std::int64_t kv_heads, std::int64_t head_dim,
                        std::int64_t v_head_dim, Dtype cache) {
  AttentionShape shape;
  shape.heads = static_cast<std::int32_t>(heads);
  shape.kv_heads = static_cast<std::int32_t>(kv_heads);
  shape.head_dim = static_cast<std::int32_t>(head_dim);
  shape.v_head_dim = static_cast<std::int32_t>(v_head_dim);
  shape.cache = cache;
  return shape;
}

// Grouped attention: 2 h (d_qk + d_v) FLOPs per pair; every key and value is read once.
std::vector<Kernel> grouped_kernels(const AttentionSpec& a, const ParallelPlan& plan,
                                    const DtypePlan& dtypes, const AttentionLoad& load) {
  const double width = static_cast<double>(rank_heads(a, plan.tp) * (a.head_dim + a.v_head_dim));
  const Core core = {"attention", 2 * width, kv_layer_bytes(a, plan.tp, dtypes.kv).value(), width};
  const AttentionShape shape = shape_of(rank_heads(a, plan.tp), rank_kv_heads(a, plan.tp),
                                        a.head_dim, a.v_head_dim, dtypes.kv);
  std::vector<Kernel> out;
  if (load.prefill_tokens > 0) {
    out.push_back(prefill_core(core, load.prefill_tokens, load.prefill_pairs, load.prefill_keys));
    out.back().attention = shape;
    out.back().attention.window = static_cast<std::int32_t>(a.window);
    set_prefill_extent(out.back().attention, load);
  }
  if (load.decode_sequences > 0) {
    out.push_back(decode_core(core, load.decode_sequences, load.decode_keys));
    out.back().attention = shape;
    set_decode_extent(out.back().attention, static_cast<double>(load.decode_sequences),
                      load.decode_keys);
  }
  return out;
}

// One small GEMM per head: [rows, k] x [k, n].
Kernel per_head_gemm(const char* name, std::int64_t heads, std::int64_t rows,
                     std::pair<std::int64_t, std::int64_t> k_and_n, const WeightFormat& format) {
  const auto [k, n] = k_and_n;
  Kernel kernel = gemm({name, Role::kLatentExpand, k, n}, rows, format);
  kernel.flops *= static_cast<double>(heads);
  kernel.bytes *= static_cast<double>(heads);
  kernel.groups = heads;
  return kernel;
}

// Indexer of sparse attention: every query scores every key with a few small heads, then the
// logits (fp32) are read to find the best. Its keys are one per token, on every rank.
void add_indexer(std::vector<Kernel>& out, const AttentionSpec& a, const AttentionLoad& load) {
  const double width = static_cast<double>(a.index_num_heads * a.index_head_dim);
  const Dtype format = a.kind == AttentionKind::kGrouped ? Dtype::kBf16 : Dtype::kFp8;
  const Core core = {"index_logits", 2 * width, index_key_bytes(a).value(), width};
  if (load.prefill_tokens > 0) {
    out.push_back(prefill_core(core, load.prefill_tokens, load.prefill_pairs, load.prefill_keys));
    out.back().dtype = format;
  }
  if (load.decode_sequences > 0) {
    out.push_back(decode_core(core, load.decode_sequences, load.decode_keys));
    out.back().dtype = format;
  }
  constexpr double kLogitWriteAndRead = 8;
  out.push_back(
      elementwise("index_topk", (load.prefill_pairs + load.decode_keys) * kLogitWriteAndRead));
}

// Keys that remain after the indexer. The sum of minima is at most n times the minimum of the mean.
double kept_keys(double keys, std::int64_t queries, std::int64_t topk) {
  return topk > 0 ? std::min(keys, static_cast<double>(queries * topk)) : keys;
}

// MLA, absorbed: queries are multiplied into the latent space (W_uk), all heads read the same
// latent, results come back through W_uv. Per pair 2 h (2 r + d_rope) FLOPs; the latent is never
// split by tp. Source: arXiv:2405.04434 section 2.1.2.
void add_absorbed(std::vector<Kernel>& out, const LayerSpec& layer, const ParallelPlan& plan,
                  const DtypePlan& dtypes, const AttentionLoad& load) {
  const AttentionSpec& a = layer.attention;
  const WeightFormat expand = layer.formats.attention.of("kv_b");
  const std::int64_t heads = rank_heads(a, plan.tp);
  const std::int64_t rows = load.prefill_tokens + load.decode_sequences;
  const double in_width = static_cast<double>(a.kv_lora_rank + a.qk_rope_head_dim);
  const double width =
      static_cast<double>(heads) * (in_width + static_cast<double>(a.kv_lora_rank));
  const Core core = {"attention", 2 * width, kv_layer_bytes(a, plan.tp, dtypes.kv).value(), width};
  out.push_back(per_head_gemm("w_uk", heads, rows, {a.qk_nope_head_dim, a.kv_lora_rank}, expand));
  if (load.prefill_tokens > 0) {
    const double pairs = kept_keys(load.prefill_pairs, load.prefill_tokens, a.index_topk);
    out.push_back(prefill_core(core, load.prefill_tokens, pairs, load.prefill_keys));
  }
  if (load.decode_sequences > 0) {
    const double keys = kept_keys(load.decode_keys, load.decode_sequences, a.index_topk);
    out.push_back(decode_core(core, load.decode_sequences, keys));
    if (a.index_topk == 0) {
      AttentionShape& shape = out.back().attention;
      shape = shape_of(heads, 1, a.kv_lora_rank + a.qk_rope_head_dim, a.kv_lora_rank, dtypes.kv);
      set_decode_extent(shape, static_cast<double>(load.decode_sequences), keys);
    }
  }
  out.push_back(per_head_gemm("w_uv", heads, rows, {a.kv_lora_rank, a.v_head_dim}, expand));
}

// MLA, expanded: keys and values of every head are made from the latents of the chunk and of the
// tokens cached before it, then attention runs as with num_kv_heads = num_heads.
void add_expanded(std::vector<Kernel>& out, const LayerSpec& layer, const ParallelPlan& plan,
                  const AttentionLoad& load) {
  const AttentionSpec& a = layer.attention;
  const std::int64_t heads = rank_heads(a, plan.tp);
  const std::int64_t keys = std::llround(load.prefill_keys);
  out.push_back(gemm(
      {"kv_b", Role::kLatentExpand, a.kv_lora_rank, heads * (a.qk_nope_head_dim + a.v_head_dim)},
      keys, layer.formats.attention.of("kv_b")));
  const double key_width = static_cast<double>(heads * a.head_dim);
  out.push_back(elementwise("concat_keys", load.prefill_keys * key_width * 2 * kActivationBytes));
  const double width = static_cast<double>(heads * (a.head_dim + a.v_head_dim));
  const Core core = {"attention", 2 * width, width * kActivationBytes, width};
  out.push_back(prefill_core(core, load.prefill_tokens, load.prefill_pairs, load.prefill_keys));
  AttentionShape& shape = out.back().attention;
  shape = shape_of(heads, heads, a.head_dim, a.v_head_dim, Dtype::kBf16);
  set_prefill_extent(shape, load);
}

std::vector<Kernel> latent_kernels(const LayerSpec& layer, const ParallelPlan& plan,
                                   const DtypePlan& dtypes, const AttentionLoad& load) {
  const AttentionSpec& a = layer.attention;
  std::vector<Kernel> out;
  out.reserve(8);
  if (a.index_topk > 0) {
    // Every query reads other keys, so that none can be expanded for all.
    if (a.index_num_heads > 0) add_indexer(out, a, load);
    add_absorbed(out, layer, plan, dtypes, load);
    return out;
  }
  AttentionLoad decode = load;
  decode.prefill_tokens = 0;
  if (load.prefill_tokens > 0) add_expanded(out, layer, plan, load);
  if (load.decode_sequences > 0) add_absorbed(out, layer, plan, dtypes, decode);
  return out;
}

// Grouped attention over the blocks of keys that an indexer picked (MiniMax-M3).
std::vector<Kernel> block_sparse_kernels(const AttentionSpec& a, const ParallelPlan& plan,
                                         const DtypePlan& dtypes, const AttentionLoad& load) {
  const double width = static_cast<double>(rank_heads(a, plan.tp) * (a.head_dim + a.v_head_dim));
  const Core core = {"attention", 2 * width, kv_layer_bytes(a, plan.tp, dtypes.kv).value(), width};
  std::vector<Kernel> out;
  add_indexer(out, a, load);
  if (load.prefill_tokens > 0) {
    const double pairs = kept_keys(load.prefill_pairs, load.prefill_tokens, a.index_topk);
    out.push_back(prefill_core(core, load.prefill_tokens, pairs, load.prefill_keys));
  }
  if (load.decode_sequences > 0) {
    const double keys = kept_keys(load.decode_keys, load.decode_sequences, a.index_topk);
    out.push_back(decode_core(core, load.decode_sequences, keys));
  }
  return out;
}

// Rows that queries with `keys` keys in all read: the last tokens one by one, and compressed rows.
double rows_read(const AttentionSpec& a, double keys, std::int64_t queries) {
  if (a.compress_ratio == 0) return keys;  // Cut by the window already.
  return kept_keys(keys, queries, a.local_window) +
         kept_keys(keys / static_cast<double>(a.compress_ratio), queries, a.index_topk);
}

// Compressed attention (DeepSeek-V4). Every row is key and value of all heads: 4 h d FLOPs. The
// indexer scores the compressed rows. Prefill first widens the rows that it reads to 16 bit.
// Source: vLLM, layers/deepseek_v4_attention.py.
std::vector<Kernel> compressed_kernels(const AttentionSpec& a, const ParallelPlan& plan,
                                       const AttentionLoad& load) {
  const double ratio = static_cast<double>(std::max<std::int64_t>(a.compress_ratio, 1));
  const double width = static_cast<double>(rank_heads(a, plan.tp) * 2 * a.head_dim);
  const Core core = {"attention", 2 * width, compressed_row_bytes(a), width};
  std::vector<Kernel> out;
  if (a.index_num_heads > 0) {
    AttentionLoad rows = load;
    for (double* keys : {&rows.prefill_pairs, &rows.prefill_keys, &rows.decode_keys})
      *keys /= ratio;
    AttentionSpec index = a;
    index.compress_ratio = 1;  // Bytes of a row, not of a token.
    add_indexer(out, index, rows);
  }
  if (load.prefill_tokens > 0) {
    const double rows = load.prefill_keys / ratio;
    const double wide = static_cast<double>(a.head_dim) * kActivationBytes;
    out.push_back(elementwise("widen_rows", rows * (core.key_bytes + wide)));
    out.push_back(prefill_core(core, load.prefill_tokens,
                               rows_read(a, load.prefill_pairs, load.prefill_tokens), rows));
  }
  if (load.decode_sequences > 0) {
    out.push_back(decode_core(core, load.decode_sequences,
                              rows_read(a, load.decode_keys, load.decode_sequences)));
  }
  return out;
}

// Linear attention. Prefill works in chunks of C tokens: per token and head 4 d_k d_v for the state
// and 2 C (d_k + d_v) inside the chunk, as one GEMM of k = d_k; the state is stored per chunk.
// Decode reads and writes the state once and spends 4 FLOPs per element.
// Source: Yang et al., arXiv:2312.06635 section 4 (chunks); C = 64 is the library's default.
std::vector<Kernel> state_kernels(const AttentionSpec& a, const ParallelPlan& plan,
                                  const AttentionLoad& load) {
  constexpr std::int64_t kChunk = 64;
  const double state = static_cast<double>(share(a.state_elements, plan.tp));
  const double moved = 2 * state_bytes(a, plan.tp).value();  // Read and written.
  std::vector<Kernel> out;
  if (load.prefill_tokens > 0) {
    const std::int64_t values = share(a.num_heads * a.v_head_dim, plan.tp);
    const std::int64_t k = std::max<std::int64_t>(a.head_dim, 1);
    const std::int64_t n = 2 * values + kChunk * (rank_heads(a, plan.tp) + share(values, k));
    Kernel core = gemm({"linear_attention", Role::kInput, k, n}, load.prefill_tokens, {});
    const double tokens = static_cast<double>(load.prefill_tokens);
    core.bytes =
        Bytes(tokens * (static_cast<double>(3 * values) * kActivationBytes + moved / kChunk));
    out.push_back(core);
  }
  if (load.decode_sequences > 0) {
    const Core core = {"linear_attention", static_cast<double>(a.state_flops) * state, moved, 0};
    const double sequences = static_cast<double>(load.decode_sequences);
    out.push_back(decode_core(core, load.decode_sequences, sequences));
  }
  return out;
}

}  // namespace

std::vector<Kernel> attention_kernels(const LayerSpec& layer, const ParallelPlan& plan,
                                      const DtypePlan& dtypes, const AttentionLoad& load) {
  if (load.prefill_tokens <= 0 && load.decode_sequences <= 0) return {};
  switch (layer.attention.kind) {
    case AttentionKind::kNone:
      return {};
    case AttentionKind::kGrouped:
      if (layer.attention.index_topk > 0) {
        return block_sparse_kernels(layer.attention, plan, dtypes, load);
      }
      return grouped_kernels(layer.attention, plan, dtypes, load);
    case AttentionKind::kLatent:
      return latent_kernels(layer, plan, dtypes, load);
    case AttentionKind::kLinear:
      return state_kernels(layer.attention, plan, load);
    case AttentionKind::kCompressed:
      return compressed_kernels(layer.attention, plan, load);
  }
  return {};
}

}  // namespace moesim
