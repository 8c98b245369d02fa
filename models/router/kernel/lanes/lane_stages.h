// The per-token work of the router on several tokens at once, one per vector lane: every stage is
// the same straight code for any data, and exists once per instruction set. All sets give the
// same bits, because lanes never mix and products are never contracted.
#pragma once

#include <cstdint>
#include <vector>

#include "models/spec/model_spec.h"

namespace moesim {

// weight_j = scaling s_j / (sum s + 1e-20), or / max(sum s, floor) if floor > 0; without
// renormalisation scaling s_j.
struct WeightRule {
  bool renormalise = false;
  float floor = 0;
  float scaling = 1;
};

// Of `number` contiguous groups `kept` stay; a group's score is the sum of its `summed` largest
// keys.
struct GroupRule {
  std::int64_t number = 1;
  std::int64_t kept = 1;
  std::int64_t summed = 1;
  float masked = 0;  // Key of an expert in a masked group.
};

struct SelectOutput {
  float* best;        // [top_k] keys.
  std::int32_t* ids;  // [top_k]
  float* scratch;     // [count / kKeyBlock + 1] the maxima of blocks of keys.
  bool maxima_known = false;
};

struct GroupedKeys {
  float* keys;    // [count]
  float* maxima;  // [count / kKeyBlock + groups] of blocks of keys, then scratch.
};

struct Adjustment {
  const float* total;       // One line.
  const float* correction;  // [count] floats, the same for all lanes.
};

struct Picks {
  const std::int32_t* ids;  // [top_k]
  std::int64_t top_k;
  float* picked;  // [top_k]
};

// A row's softmax is e^(z - largest) / total; total is 1 for the other functions.
struct alignas(64) ScoreTerms {
  float largest[16];
  float total[16];
};

// Below every key, so that dropped groups are chosen from only when nothing else is left.
inline constexpr float kMaskedKey = -3.4e38F;

// Keys that the selection looks at as one first.
inline constexpr std::int64_t kKeyBlock = 4;
constexpr bool selects_by_blocks(std::int64_t top_k) {
  return top_k == 1 || top_k == 2 || top_k == 4 || top_k == 6 || top_k == 8;
}

// Arrays of lanes: entry e of token l lies at e * lanes + l. All are aligned to 64 bytes.
struct LaneStages {
  const char* name;
  std::int64_t lanes;

  // Transposes `tokens` <= lanes rows of `count` floats; further lanes repeat the last row. NaN
  // becomes -1e30, and magnitudes end at 1e30, so that sums of keys stay finite.
  void (*load)(const float* rows, std::int64_t count, std::int64_t tokens, float* values);
  // The way back: writes the first `tokens` lanes as rows.
  void (*store)(const float* values, std::int64_t count, std::int64_t tokens, float* rows);
  // In place: logits become scores times terms.total; fills `terms`.
  void (*score)(ScoreFunction function, float* values, std::int64_t count, ScoreTerms& terms);
  // Fills `terms` for the softmax and leaves the logits.
  void (*softmax_terms)(const float* logits, std::int64_t count, ScoreTerms& terms);
  // Scores of some logits of a row whose terms are known.
  void (*score_some)(ScoreFunction function, float* values, std::int64_t count,
                     const ScoreTerms& terms);
  // keys = values / total + correction; nullptr stands for 1 or 0. May be in place.
  void (*make_keys)(const float* values, std::int64_t count, const Adjustment& adjustment,
                    float* keys);
  // Masks the keys of all groups but those of largest score. `scratch` has number + summed entries.
  void (*mask_groups)(float* keys, std::int64_t count, const GroupRule& rule, float* scratch);
  // Keys and masked maxima at once, for select with maxima_known: keys = values + correction, not
  // masked themselves. Requires: whole blocks in a group, at least top_k of them in those kept;
  // score the sum of two; mask below every key; a top_k of selects_by_blocks.
  void (*make_grouped_keys)(const float* values, const float* correction, std::int64_t count,
                            const GroupRule& rule, const GroupedKeys& out);
  // The top_k largest keys in falling order with their indices, ties to the lowest index.
  // Requires: finite keys that continue with kMaskedKey to a multiple of kKeyBlock.
  void (*select)(const float* keys, std::int64_t count, std::int64_t top_k,
                 const SelectOutput& out);
  // picked[j] = values[ids[j]].
  void (*pick)(const float* values, const Picks& picks);
  // picked[j] = row[ids[j]], of rows as load() takes them.
  void (*pick_from_rows)(const float* rows, std::int64_t count, std::int64_t tokens,
                         const Picks& picks);
  // Weights from picked scores times their total (nullptr: 1), in place.
  void (*weigh)(float* picked, std::int64_t top_k, const float* total, const WeightRule& rule);
  // Ids of the first `tokens` lanes as rows of top_k.
  void (*store_ids)(const std::int32_t* ids, std::int64_t top_k, std::int64_t tokens,
                    std::uint16_t* rows);
};

// Logits and biases beyond are taken for this; NaN for its negative.
inline constexpr float kLargestLogit = 1e30F;
float limited_logit(float logit);

// Sets that this build has and this processor runs, slowest first; never empty.
std::vector<const LaneStages*> lane_stages();

// Of one instruction set each; nullptr where the compiler does not target it.
const LaneStages* portable_lane_stages();
const LaneStages* avx2_lane_stages();
const LaneStages* avx512_lane_stages();

}  // namespace moesim
