// router_in_words: a routing scheme as the model card says it.
#include <fmt/format.h>

#include "models/spec/model_card.h"

namespace moesim {
namespace {

std::string score_in_words(ScoreFunction score) {
  switch (score) {
    case ScoreFunction::kSoftmax:
      return "softmax";
    case ScoreFunction::kSigmoid:
      return "sigmoid";
    case ScoreFunction::kSqrtSoftplus:
      return "sqrt-softplus";
    case ScoreFunction::kOne:
      return "weight 1";
  }
  return "";
}

std::string top_k_in_words(const RouterSpec& router) {
  const std::string score = score_in_words(router.score);
  return router.order == SelectionOrder::kTopKThenScore
             ? "top-k of the logits, then " + score + " over the chosen"
             : score + " over all experts, then top-k";
}

std::string choice_in_words(const RouterSpec& router) {
  const std::string top_k = top_k_in_words(router);
  switch (router.rule) {
    case SelectionRule::kTopK:
      return top_k;
    case SelectionRule::kHash:
      return "experts by token type from a fixed table; weights: " + score_in_words(router.score);
    case SelectionRule::kRandomSecond:
      return "softmax over all experts, then top-2, the second at random by its weight";
    case SelectionRule::kNoisyTopK:
      return "noisy top-k of the logits while training, then softmax over the chosen";
    case SelectionRule::kSparseMixer:
      return fmt::format("SparseMixer: top-1 one after the other, softmax over logits within {} %",
                         200 * router.mixer_jitter);
    case SelectionRule::kExpertChoice:
      return "experts choose their tokens by " + score_in_words(router.score);
    case SelectionRule::kBalancedAssignment:
      return "balanced assignment while training, else top-k of the logits; sigmoid weights";
    case SelectionRule::kSinkhorn:
      return "Sinkhorn balancing while training, else top-k of the logits";
    case SelectionRule::kQuantile:
      return "top-k of the logits, less prices that even out the batch while training; weights: " +
             score_in_words(router.score);
  }
  return "";
}

std::string groups_in_words(const RouterSpec& router) {
  std::string out = fmt::format("; {} of {} groups by ", router.top_groups, router.num_groups);
  switch (router.group_score) {
    case GroupScore::kLargest:
      out += "their largest score";
      break;
    case GroupScore::kSumOfTwoLargest:
      out += "their two largest scores";
      break;
    case GroupScore::kSumOfKeptShare:
      out += "as many of their largest scores as each may contribute";
      break;
  }
  return out + (router.group_mask == GroupMask::kZero ? ", others masked with 0" : "");
}

std::string factor_in_words(double factor) {
  return factor > 0 ? fmt::format("{} times the mean load", factor) : "everything";
}

std::string capacity_in_words(const CapacitySpec& capacity) {
  const double training = capacity.training_factor.value_or(capacity.factor);
  std::string out;
  if (capacity.fixed > 0) {
    out = fmt::format("; experts take {} tokens", capacity.fixed);
  } else if (capacity.factor > 0 || training > 0) {
    out = "; experts take " + factor_in_words(capacity.factor);
    if (training != capacity.factor) out += ", while training " + factor_in_words(training);
    if (capacity.least > 0) out += fmt::format(", at least {} tokens", capacity.least);
  }
  if (!out.empty()) {
    const bool by_weight = capacity.drop == DropPolicy::kByWeight;
    out += by_weight ? ", lightest dropped first" : ", later tokens dropped first";
    if (capacity.pad) out += ", padded to that";
  }
  if (capacity.block > 1) out += fmt::format("; rows in blocks of {}", capacity.block);
  return out;
}

std::string weights_in_words(const RouterSpec& router) {
  std::string out;
  if (router.renormalise) out += "; weights renormalised";
  if (router.scaling != 1.0) {
    out += fmt::format("; scaled by {}", router.scaling);
    if (!router.scale_renormalised) out += " unless renormalised";
  }
  if (router.weigh_input) out += "; weights scale the expert's input";
  return out;
}

}  // namespace

std::string router_in_words(const RouterSpec& router) {
  std::string out = choice_in_words(router);
  if (router.gate_bias) out += "; gate with bias";
  if (router.correction_bias) out += "; selection corrected by a bias per expert";
  if (router.num_groups > 1) out += groups_in_words(router);
  out += weights_in_words(router);
  if (router.num_zero_experts > 0) {
    out += fmt::format("; {} identity experts", router.num_zero_experts);
  }
  if (router.jitter > 0) out += fmt::format("; input jitter {} while training", router.jitter);
  return out + capacity_in_words(router.capacity);
}

}  // namespace moesim
