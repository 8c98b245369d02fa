// Routes tokens that do not depend on one another: scores, keys, group mask, top-k and weights of a
// block of tokens after the other, in buffers that live as long as the object.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/router/kernel/lanes/lane_stages.h"
#include "models/router/kernel/router_kernel.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Selection and weights by the fields of a scheme, for any rule. Rows have gate_outputs()
// entries; results have top_k per row.
class TokenRouter {
 public:
  // Requires: a scheme that check_router accepts; correction has gate_outputs() entries or none.
  TokenRouter(const MoeSpec& moe, std::span<const float> correction);
  TokenRouter(const MoeSpec& moe, std::span<const float> correction, const LaneStages& stages);

  // Chooses and weighs. `weights` may be empty.
  void route(std::span<const float> logits, std::span<std::uint16_t> ids, std::span<float> weights);
  // Chooses by `ranked` + correction instead of scores.
  void rank(std::span<const float> ranked, std::span<std::uint16_t> ids);
  // Weighs experts that were chosen otherwise. Requires: ids < gate_outputs().
  void weigh(std::span<const float> logits, std::span<const std::uint16_t> ids,
             std::span<float> weights);
  // Scores of all experts; may be in place.
  void score(std::span<const float> logits, std::span<float> scores);

 private:
  struct alignas(64) Line {
    float lane[16];
  };
  struct alignas(64) IdLine {
    std::int32_t lane[16];
  };

  // Tokens that go through the lanes together.
  struct Block {
    const float* rows;
    std::int64_t first;
    std::int64_t count;
  };
  // Calls work(block) for every block of tokens, after loading its rows into values_.
  template <class Work>
  void for_each_block(std::span<const float> rows, const Work& work);
  const float* total() const {
    return router_.score == ScoreFunction::kSoftmax ? terms_.total : nullptr;
  }
  // Fills ids_ from keys = values_ / total + correction.
  void choose_block(const float* total);
  void choose_many(const float* keys);  // For the rare top_k that lanes are slow at.
  void weigh_block(const Block& block, bool scores_are_kept);
  void read_ids(const Block& block, std::span<const std::uint16_t> ids);
  void write_ids(const Block& block, std::span<std::uint16_t> ids) const;
  void write_weights(const Block& block, std::span<float> weights) const;

  const LaneStages& stages_;
  RouterSpec router_;
  std::int64_t outputs_;
  std::int64_t top_k_;
  std::vector<float> correction_;  // Within the limits of logits.
  WeightRule rule_;
  bool grouped_ = false;
  std::int64_t summed_ = 1;        // Keys that a group's score sums.
  bool groups_by_blocks_ = false;  // The faster way of the usual group rule.
  bool score_first_ = true;
  bool keys_are_scores_ = false;
  bool keep_scores_ = true;   // False: keys overwrite them.
  std::vector<Line> values_;  // [outputs] logits, then scores.
  std::vector<Line> keys_;    // [outputs] where scores are kept.
  std::vector<Line> best_;    // [top_k] keys, then scores, then weights.
  std::vector<IdLine> ids_;   // [top_k]
  std::vector<Line> scratch_;
  ScoreTerms terms_ = {};
};

}  // namespace moesim
