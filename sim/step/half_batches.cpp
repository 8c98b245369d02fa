#include "sim/step/half_batches.h"

#include <algorithm>

#include "sim/network/even_part.h"

namespace moesim {

namespace {

constexpr std::int64_t kHalves = 2;

// The part of a sum over `count` sequences that belongs to `part` of them.
double part_of(double sum, std::int64_t part, std::int64_t count) {
  return count > 0 ? sum * static_cast<double>(part) / static_cast<double>(count) : 0;
}

// A single chunk of a prompt is cut into two chunks.
AttentionLoad half_of(const AttentionLoad& whole, std::int64_t i) {
  AttentionLoad half;
  half.prefill_tokens = even_part(whole.prefill_tokens, i, kHalves);
  half.prefill_chunks = half.prefill_tokens > 0
                            ? std::max<std::int64_t>(1, even_part(whole.prefill_chunks, i, kHalves))
                            : 0;
  half.prefill_pairs = part_of(whole.prefill_pairs, half.prefill_tokens, whole.prefill_tokens);
  half.prefill_keys = part_of(whole.prefill_keys, half.prefill_tokens, whole.prefill_tokens);
  half.prefill_past = part_of(whole.prefill_past, half.prefill_chunks, whole.prefill_chunks);
  half.decode_sequences = even_part(whole.decode_sequences, i, kHalves);
  half.decode_keys = part_of(whole.decode_keys, half.decode_sequences, whole.decode_sequences);
  return half;
}

void cut(const RankBatch& whole, std::int64_t i, RankBatch& half) {
  half.decode_tokens = even_part(whole.decode_tokens, i, kHalves);
  half.prefill_tokens = even_part(whole.prefill_tokens, i, kHalves);
  half.sampled = even_part(whole.sampled, i, kHalves);
  half.attention.clear();
  for (const AttentionLoad& load : whole.attention) half.attention.push_back(half_of(load, i));
}

}  // namespace

void HalfBatches::take(std::span<const RankStep> ranks, bool split) {
  const bool splits = split && std::none_of(ranks.begin(), ranks.end(), [](const RankStep& r) {
                        return r.batch.decode_tokens == 1 || r.batch.prefill_tokens == 1;
                      });
  count_ = splits ? kHalves : 1;
  for (std::size_t h = 0; h < count_; ++h) {
    halves_[h].clear();
    tokens_[h].clear();
    if (splits) cut_[h].resize(ranks.size());
    for (std::size_t d = 0; d < ranks.size(); ++d) {
      if (splits) cut(ranks[d].batch, static_cast<std::int64_t>(h), cut_[h][d]);
      const RankBatch& batch = splits ? cut_[h][d] : ranks[d].batch;
      halves_[h].push_back(&batch);
      tokens_[h].push_back({batch.decode_tokens, batch.prefill_tokens});
    }
  }
}

}  // namespace moesim
