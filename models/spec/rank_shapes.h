// Shapes of the matrices that one rank of a tensor-parallel group holds. Kernels and the memory
// ledger read the same list, so that the matrices multiplied are those stored.
#pragma once

#include <boost/container/static_vector.hpp>
#include <cstdint>

#include "models/spec/model_spec.h"
#include "models/spec/parallel_plan.h"

namespace moesim {

// One rank's share of a width; the remainder is padded.
constexpr std::int64_t share(std::int64_t width, std::int64_t ranks) {
  return (width + ranks - 1) / ranks;
}

constexpr std::int64_t round_up(std::int64_t width, std::int64_t multiple) {
  return share(width, multiple) * multiple;
}

// Rows and columns of a vocabulary are padded to this many. Source: vLLM, Megatron defaults.
inline constexpr std::int64_t kVocabularyMultiple = 64;

// C[m,n] = A[m,k] B[k,n]: B is this matrix.
struct Matrix {
  enum class Role { kInput, kLatentExpand, kOutput, kIndexer };
  const char* name = "";
  Role role = Role::kInput;
  std::int64_t k = 0;
  std::int64_t n = 0;

  std::int64_t elements() const { return k * n; }
};
using Matrices = boost::container::static_vector<Matrix, 8>;

// Query heads of one rank.
std::int64_t rank_heads(const AttentionSpec& attention, std::int64_t tp);

// KV heads of one rank; never below one: beyond tp = num_kv_heads they are replicated.
std::int64_t rank_kv_heads(const AttentionSpec& attention, std::int64_t tp);

// Projections of token mixing in the order they run; the attention core lies before kOutput.
// The low-rank input projections of MLA and the indexer are replicated on every rank.
Matrices attention_matrices(const AttentionSpec& attention, std::int64_t hidden, std::int64_t tp);

// Gate-and-up (or up), then down, of a feed-forward block whose width is split over `ranks`.
Matrices ffn_matrices(std::int64_t input, std::int64_t width, int matrices, std::int64_t ranks);

// Columns of the gate: experts, zero experts and, where there is one, the shared expert's gate.
std::int64_t gate_columns(const MoeSpec& moe);

}  // namespace moesim
