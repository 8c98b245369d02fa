#include "models/router/kernel/token_router.h"

#include <algorithm>
#include <iterator>

#include "models/router/kernel/selection.h"

namespace moesim {

namespace {

constexpr std::int64_t kMostLaneTopK = 32;
// Up to here scores stay beside their keys in the first-level cache; beyond, scoring the chosen few
// again from their logits is faster.
constexpr std::int64_t kMostKeptScores = 128;

const LaneStages& fastest_stages() {
  static const LaneStages* const kFastest = lane_stages().back();
  return *kFastest;
}

std::int64_t summed_keys(const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  const std::int64_t size = gate_outputs(moe) / router.num_groups;
  switch (router.group_score) {
    case GroupScore::kSumOfTwoLargest:
      return std::min<std::int64_t>(2, size);
    case GroupScore::kSumOfKeptShare:
      return std::clamp<std::int64_t>(moe.top_k / router.top_groups, 1, size);
    case GroupScore::kLargest:
      break;
  }
  return 1;
}

// Scores that are no shares are not renormalised when there is but one, nor is anything in
// DeepSeek's own code, which then scales. Source: Megatron moe_utils.py, DeepSeek-V2 model code.
WeightRule weight_rule(const MoeSpec& moe) {
  const RouterSpec& router = moe.router;
  const bool single =
      moe.top_k == 1 && (router.score != ScoreFunction::kSoftmax || !router.scale_renormalised);
  WeightRule rule;
  rule.renormalise = router.renormalise && !single;
  rule.floor = static_cast<float>(router.renormalise_floor);
  const bool scaled = router.scale_renormalised || !rule.renormalise;
  rule.scaling = scaled ? static_cast<float>(router.scaling) : 1.0F;
  return rule;
}

}  // namespace

TokenRouter::TokenRouter(const MoeSpec& moe, std::span<const float> correction)
    : TokenRouter(moe, correction, fastest_stages()) {}

TokenRouter::TokenRouter(const MoeSpec& moe, std::span<const float> correction,
                         const LaneStages& stages)
    : stages_(stages),
      router_(moe.router),
      outputs_(gate_outputs(moe)),
      top_k_(moe.top_k),
      rule_(weight_rule(moe)),
      summed_(summed_keys(moe)) {
  for (const float bias : correction) correction_.push_back(limited_logit(bias));
  grouped_ = router_.num_groups > 1 && router_.top_groups < router_.num_groups;
  score_first_ = router_.order == SelectionOrder::kScoreThenTopK;
  // Every score function rises with the logit, so the logits alone decide unless scores are added
  // up; all ones say nothing.
  const std::int64_t size = outputs_ / router_.num_groups;
  groups_by_blocks_ = grouped_ && summed_ == 2 && router_.group_mask == GroupMask::kMinusInfinity &&
                      !correction_.empty() && size % kKeyBlock == 0 &&
                      router_.top_groups * size >= top_k_ * kKeyBlock && selects_by_blocks(top_k_);
  keep_scores_ = outputs_ <= kMostKeptScores;
  keys_are_scores_ = score_first_ && router_.score != ScoreFunction::kOne &&
                     (!correction_.empty() || (grouped_ && summed_ > 1));
  const auto outputs = static_cast<std::size_t>(outputs_ + kKeyBlock);
  const auto top_k = static_cast<std::size_t>(top_k_);
  Line masked;
  std::fill(std::begin(masked.lane), std::end(masked.lane), kMaskedKey);
  values_.assign(outputs, masked);
  if (keep_scores_) keys_.assign(outputs, masked);
  scratch_.resize(std::max(static_cast<std::size_t>(router_.num_groups + summed_), outputs));
  best_.resize(top_k);
  std::fill(std::begin(terms_.total), std::end(terms_.total), 1.0F);
  ids_.resize(top_k);
}

template <class Work>
void TokenRouter::for_each_block(std::span<const float> rows, const Work& work) {
  const std::int64_t tokens = static_cast<std::int64_t>(rows.size()) / outputs_;
  for (std::int64_t first = 0; first < tokens; first += stages_.lanes) {
    const Block block{rows.data() + first * outputs_, first,
                      std::min(stages_.lanes, tokens - first)};
    stages_.load(block.rows, outputs_, block.count, values_.data()->lane);
    work(block);
  }
}

void TokenRouter::choose_block(const float* total) {
  const float* values = values_.data()->lane;
  float* keys = keep_scores_ ? keys_.data()->lane : values_.data()->lane;
  float* scratch = scratch_.data()->lane;
  const bool maxima_known = groups_by_blocks_ && total == nullptr;
  const float masked = router_.group_mask == GroupMask::kZero ? 0.0F : kMaskedKey;
  const GroupRule groups{router_.num_groups, router_.top_groups, summed_, masked};
  if (maxima_known) {
    stages_.make_grouped_keys(values, correction_.data(), outputs_, groups, {keys, scratch});
  } else {
    stages_.make_keys(values, outputs_, {total, correction_.empty() ? nullptr : correction_.data()},
                      keys);
    if (grouped_) stages_.mask_groups(keys, outputs_, groups, scratch);
  }
  if (top_k_ > kMostLaneTopK) return choose_many(keys);
  stages_.select(keys, outputs_, top_k_,
                 {best_.data()->lane, ids_.data()->lane, scratch, maxima_known});
}

void TokenRouter::choose_many(const float* keys) {
  std::int32_t* ids = ids_.data()->lane;
  KeySelection selection(outputs_);
  std::vector<std::uint16_t> chosen(static_cast<std::size_t>(top_k_));
  for (std::int64_t lane = 0; lane < stages_.lanes; ++lane) {
    std::int64_t place = lane;
    for (std::int32_t& key : selection.keys()) {
      key = order_key(keys[place]);
      place += stages_.lanes;
    }
    selection.select(chosen);
    place = lane;
    for (const std::uint16_t id : chosen) {
      ids[place] = id;
      place += stages_.lanes;
    }
  }
}

// Requires: ids_, and terms_ of the block where scores come first.
void TokenRouter::weigh_block(const Block& block, bool scores_are_kept) {
  float* weights = best_.data()->lane;
  const Picks picks{ids_.data()->lane, top_k_, weights};
  if (scores_are_kept) {
    stages_.pick(values_.data()->lane, picks);
  } else {
    stages_.pick_from_rows(block.rows, outputs_, block.count, picks);
    if (score_first_) {
      stages_.score_some(router_.score, weights, top_k_, terms_);
    } else {
      stages_.score(router_.score, weights, top_k_, terms_);
    }
  }
  stages_.weigh(weights, top_k_, total(), rule_);
}

void TokenRouter::read_ids(const Block& block, std::span<const std::uint16_t> ids) {
  std::int32_t* lanes = ids_.data()->lane;
  for (std::int64_t l = 0; l < stages_.lanes; ++l) {
    const std::uint16_t* row = ids.data() + (block.first + std::min(l, block.count - 1)) * top_k_;
    for (std::int64_t j = 0; j < top_k_; ++j) lanes[j * stages_.lanes + l] = row[j];
  }
}

void TokenRouter::write_ids(const Block& block, std::span<std::uint16_t> ids) const {
  stages_.store_ids(ids_.data()->lane, top_k_, block.count, ids.data() + block.first * top_k_);
}

void TokenRouter::write_weights(const Block& block, std::span<float> weights) const {
  stages_.store(best_.data()->lane, top_k_, block.count, weights.data() + block.first * top_k_);
}

void TokenRouter::route(std::span<const float> logits, std::span<std::uint16_t> ids,
                        std::span<float> weights) {
  const bool softmax = router_.score == ScoreFunction::kSoftmax;
  float* values = values_.data()->lane;
  for_each_block(logits, [&](const Block& block) {
    if (keys_are_scores_) {
      stages_.score(router_.score, values, outputs_, terms_);
    } else if (softmax && score_first_ && !weights.empty()) {
      stages_.softmax_terms(values, outputs_, terms_);
    }
    choose_block(keys_are_scores_ ? total() : nullptr);
    if (!weights.empty()) {
      weigh_block(block, keys_are_scores_ && keep_scores_);
      write_weights(block, weights);
    }
    write_ids(block, ids);
  });
}

void TokenRouter::rank(std::span<const float> ranked, std::span<std::uint16_t> ids) {
  for_each_block(ranked, [&](const Block& block) {
    choose_block(nullptr);
    write_ids(block, ids);
  });
}

void TokenRouter::weigh(std::span<const float> logits, std::span<const std::uint16_t> ids,
                        std::span<float> weights) {
  const bool softmax = router_.score == ScoreFunction::kSoftmax;
  for_each_block(logits, [&](const Block& block) {
    if (softmax && score_first_) {
      stages_.softmax_terms(values_.data()->lane, outputs_, terms_);
    }
    read_ids(block, ids);
    weigh_block(block, false);
    write_weights(block, weights);
  });
}

void TokenRouter::score(std::span<const float> logits, std::span<float> scores) {
  for_each_block(logits, [&](const Block& block) {
    float* values = values_.data()->lane;
    stages_.score(router_.score, values, outputs_, terms_);
    stages_.make_keys(values, outputs_, {total(), nullptr}, values);
    stages_.store(values, outputs_, block.count, scores.data() + block.first * outputs_);
  });
}

}  // namespace moesim
