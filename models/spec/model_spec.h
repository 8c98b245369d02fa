// A model as its layers with every width, independent of hardware and of its parallel plan.
// Everything downstream (memory, kernels, routing, traffic) is derived from these numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/input_error.h"
#include "base/units.h"
#include "base/words.h"
#include "models/spec/weight_format.h"

namespace moesim {

enum class AttentionKind {
  kNone,        // The layer has no token mixing of its own.
  kGrouped,     // MHA, GQA, MQA: keys and values per KV head in the cache.
  kLatent,      // MLA: one latent of kv_lora_rank + qk_rope_head_dim per token in the cache.
  kLinear,      // Linear attention, gated DeltaNet, Mamba: a fixed state per sequence, no cache per
                // token.
  kCompressed,  // DeepSeek-V4: one row that is key and value, of the last tokens one by one and of
                // all in groups of compress_ratio.
};

// Token mixing of one layer. Fields that a kind does not use stay 0.
struct AttentionSpec {
  AttentionKind kind = AttentionKind::kGrouped;
  std::int64_t num_heads = 0;
  std::int64_t num_kv_heads = 0;
  std::int64_t head_dim = 0;    // Of queries and keys (MLA: nope + rope).
  std::int64_t v_head_dim = 0;  // Of values; equals head_dim unless the config says otherwise.
  std::int64_t window = 0;      // Keys a token can see (sliding or chunked); 0 = the whole context.
  // MLA.
  std::int64_t q_lora_rank = 0;  // 0 = queries are projected directly.
  std::int64_t kv_lora_rank = 0;
  std::int64_t qk_nope_head_dim = 0;
  std::int64_t qk_rope_head_dim = 0;
  bool output_gate = false;  // Of kLatent; kGrouped has it among its columns.
  bool shared_kv = false;  // One matrix makes keys and values, which differ in the cache (Gemma 4).
  // kCompressed.
  std::int64_t compress_ratio = 0;  // Tokens of one compressed row; 0 = window only.
  std::int64_t local_window = 0;    // Last tokens that are seen one by one beside the rows.
  std::int64_t o_groups = 0;        // The output projection is low-rank in groups of heads,
  std::int64_t o_lora_rank = 0;     // of this rank each.
  // Sparse attention: an indexer picks index_topk keys per query; 0 = none. Without heads of its
  // own (GLM-5.2) a layer takes the keys that an earlier one picked.
  std::int64_t index_num_heads = 0;
  std::int64_t index_head_dim = 0;
  std::int64_t index_topk = 0;
  // Linear kinds, per sequence: elements of the recurrent state in their format, and the inputs
  // that the convolution remembers (16 bit).
  std::int64_t state_elements = 0;
  Dtype state_dtype = Dtype::kFp32;
  std::int64_t conv_elements = 0;
  std::int64_t state_flops = 4;  // Of a decoded token for each element of the state.
  // Parameters of this block, and those of them that stay in 16 bit when weights are quantised
  // (norms, biases, sinks).
  std::int64_t params = 0;
  std::int64_t unquantised_params = 0;

  bool operator==(const AttentionSpec&) const = default;
};

enum class ScoreFunction {
  kSoftmax,
  kSigmoid,
  kSqrtSoftplus,
  kOne,  // Every chosen expert weighs 1 (Roller 2021); keys are the logits.
};
template <>
inline constexpr auto kWords<ScoreFunction> = enum_words<ScoreFunction>({
    {ScoreFunction::kSoftmax, "softmax"},
    {ScoreFunction::kSigmoid, "sigmoid"},
    {ScoreFunction::kSqrtSoftplus, "sqrt_softplus"},
    {ScoreFunction::kOne, "one"},
});
enum class SelectionOrder {
  kScoreThenTopK,  // Scores over all experts, then top-k of score + bias.
  kTopKThenScore,  // Top-k of the raw logits, then the score over the chosen ones only.
};
template <>
inline constexpr auto kWords<SelectionOrder> = enum_words<SelectionOrder>({
    {SelectionOrder::kScoreThenTopK, "score_then_top_k"},
    {SelectionOrder::kTopKThenScore, "top_k_then_score"},
});
enum class GroupScore {
  kSumOfTwoLargest,
  kLargest,
  kSumOfKeptShare,  // Megatron: the top_k / top_groups largest of the group.
};
template <>
inline constexpr auto kWords<GroupScore> = enum_words<GroupScore>({
    {GroupScore::kSumOfTwoLargest, "sum_of_two_largest"},
    {GroupScore::kLargest, "largest"},
    {GroupScore::kSumOfKeptShare, "sum_of_kept_share"},
});
// Value of the keys of a dropped group. Zero lets an expert of a dropped group beat one of a kept
// group whose biased score is negative, as in code derived from Hugging Face's.
enum class GroupMask { kMinusInfinity, kZero };
template <>
inline constexpr auto kWords<GroupMask> = enum_words<GroupMask>({
    {GroupMask::kMinusInfinity, "minus_infinity"},
    {GroupMask::kZero, "zero"},
});

// How experts are picked from the keys. Source: docs/physics.md, "Router".
enum class SelectionRule {
  kTopK,                // The top_k largest keys.
  kHash,                // A fixed table by token type (Roller 2021, DeepSeek-V4's first layers).
  kRandomSecond,        // GShard top-2: the second kept with probability min(1, 2 g_2).
  kNoisyTopK,           // Shazeer 2017: logits + N(0, 1) softplus(w_noise . x) while training.
  kSparseMixer,         // Phi-3.5-MoE: top-1 twice, each weighed among logits close to it.
  kExpertChoice,        // Every expert picks its tokens (Zhou 2022); not causal.
  kBalancedAssignment,  // BASE: balanced linear assignment while training, top-k after.
  kSinkhorn,            // Megatron: Sinkhorn's iteration while training, top-k after.
  kQuantile,            // Megatron: logits less prices that even out the batch while training.
};
template <>
inline constexpr auto kWords<SelectionRule> = enum_words<SelectionRule>({
    {SelectionRule::kTopK, "top_k"},
    {SelectionRule::kHash, "hash"},
    {SelectionRule::kRandomSecond, "random_second"},
    {SelectionRule::kNoisyTopK, "noisy_top_k"},
    {SelectionRule::kSparseMixer, "sparse_mixer"},
    {SelectionRule::kExpertChoice, "expert_choice"},
    {SelectionRule::kBalancedAssignment, "balanced_assignment"},
    {SelectionRule::kSinkhorn, "sinkhorn"},
    {SelectionRule::kQuantile, "quantile"},
});

// Which tokens an expert with more than its capacity leaves out.
enum class DropPolicy { kByWeight, kByPosition };
template <>
inline constexpr auto kWords<DropPolicy> = enum_words<DropPolicy>({
    {DropPolicy::kByWeight, "by_weight"},
    {DropPolicy::kByPosition, "by_position"},
});

// How many tokens an expert takes: ceil(factor tokens top_k / num_experts), at least `least`.
// models/router/kernel/capacity.h does the arithmetic.
struct CapacitySpec {
  double factor = 0;  // 0 = dropless.
  std::int64_t least = 0;
  DropPolicy drop = DropPolicy::kByWeight;
  bool pad = false;        // Every expert computes exactly its capacity of rows.
  std::int64_t block = 1;  // Without padding, an expert's rows are rounded up to whole blocks.
  std::optional<double> training_factor = {};  // While training, where it differs (Switch, Arctic).
  std::int64_t fixed =
      0;  // This many tokens whatever the batch (Switch's expert_capacity); 0 = no.

  bool operator==(const CapacitySpec&) const = default;
};

// How the gate turns logits into expert ids and weights. Source: docs/physics.md, "Router".
struct RouterSpec {
  ScoreFunction score = ScoreFunction::kSoftmax;
  SelectionOrder order = SelectionOrder::kScoreThenTopK;
  SelectionRule rule = SelectionRule::kTopK;
  bool renormalise = false;      // Divide the chosen weights by their sum.
  bool gate_bias = false;        // The gate is W x + b (gpt-oss).
  bool correction_bias = false;  // A selection-only bias per expert (DeepSeek-V3 noaux_tc).
  std::int64_t num_groups = 1;   // Experts are split into this many contiguous groups ...
  std::int64_t top_groups = 1;   // ... of which this many may be chosen from.
  GroupScore group_score = GroupScore::kSumOfTwoLargest;
  GroupMask group_mask = GroupMask::kMinusInfinity;
  double scaling = 1.0;               // routed_scaling_factor.
  double jitter = 0;                  // Gate input times U(1 - jitter, 1 + jitter) while training.
  std::int64_t num_zero_experts = 0;  // Identity experts with ids >= num_experts (LongCat).
  CapacitySpec capacity;
  // Weights are divided by max(sum, floor) where positive (ERNIE: 1e-12), else by sum + 1e-20.
  double renormalise_floor = 0;
  bool scale_renormalised = true;  // False: scaling only without renormalisation (DeepSeek-V2).
  bool weigh_input = false;        // Weights scale the expert's input, not its output (Llama-4).
  double mixer_jitter = 0;         // kSparseMixer: a pick is weighed among logits this close to it.

  bool operator==(const RouterSpec&) const = default;
};

// The sparse feed-forward block of one layer.
struct MoeSpec {
  std::int64_t num_experts = 0;  // Routed experts, zero experts not counted.
  std::int64_t top_k = 0;
  std::int64_t expert_width = 0;  // Intermediate size of one routed expert.
  std::int64_t expert_input = 0;  // Width an expert reads: hidden_size, or less for latent MoE.
  std::int64_t shared_width = 0;  // Summed intermediate size of the shared experts; 0 = none.
  bool shared_gate = false;       // Shared output is scaled by sigmoid(w . x) (Qwen2-MoE).
  int ffn_matrices = 3;           // 3 = gated (gate, up, down), 2 = plain (up, down).
  bool expert_bias = false;       // One bias per output of each matrix of an expert (gpt-oss).
  bool latent_norm = false;       // A norm of the latent that the experts read (Kimi-K3).
  RouterSpec router;

  // Matrices and biases of one expert.
  std::int64_t expert_params() const {
    const std::int64_t biases = (ffn_matrices - 1) * expert_width + expert_input;
    return ffn_matrices * expert_input * expert_width + (expert_bias ? biases : 0);
  }
  // Latent MoE: tokens are projected to expert_input before they travel, and back after.
  bool is_latent(std::int64_t hidden) const { return expert_input > 0 && expert_input != hidden; }
  std::int64_t latent_params(std::int64_t hidden) const {
    if (!is_latent(hidden)) return 0;
    return 2 * hidden * expert_input + (latent_norm ? expert_input : 0);
  }
  bool operator==(const MoeSpec&) const = default;
};

struct LayerSpec {
  AttentionSpec attention;
  std::int64_t dense_width = 0;  // Intermediate size of the dense feed-forward block; 0 = none.
  int dense_matrices = 3;
  bool dense_bias = false;       // One bias per output of each dense matrix (GPT-2).
  std::optional<MoeSpec> moe;    // May stand beside a dense block (Arctic, LongCat).
  std::int64_t norm_params = 0;  // Layer norms around the blocks; 16 bit.
  int num_norms = 2;
  LayerFormats formats;
  // Mixing of several residual streams: fp32 parameters, and streams of hidden_size read or written
  // beside those of the norms.
  std::int64_t residual_params = 0;
  std::int64_t residual_passes = 0;

  bool operator==(const LayerSpec&) const = default;
};

// Sum of `each` over the routed experts that a token uses. Where zero experts exist, the expected
// number of real picks: picks fall on the zero experts in proportion to their number.
//   expected = top_k E / (E + Z)
// Source: LongCat-Flash report (12 picks of 512 + 256, 8 of them real on average).
std::int64_t sum_over_active_experts(const MoeSpec& moe, std::int64_t each);

// Parameter counts; "active" counts the parameters that one token uses.
struct ParameterCounts {
  std::int64_t total = 0;
  std::int64_t active = 0;                // With embedding and head.
  std::int64_t active_no_embedding = 0;   // Without the input embedding.
  std::int64_t active_no_vocabulary = 0;  // Without embedding and head.
};

struct ModelSpec {
  std::string name;          // Catalog slug, e.g. "mixtral-8x7b".
  std::string architecture;  // Hugging Face class, e.g. "MixtralForCausalLM".
  std::string source;        // Where the numbers come from.
  std::int64_t hidden_size = 0;
  std::int64_t vocab_size = 0;
  std::int64_t max_positions = 0;
  bool tied_embeddings = false;
  std::int64_t position_params = 0;  // Learned position embeddings (GPT-2, GPT-3).
  std::int64_t final_norm_params = 0;
  std::int64_t residual_streams = 1;  // Of hidden_size between layers (hyper-connections).
  std::vector<LayerSpec> layers;
  Dtype wide_dtype = Dtype::kBf16;  // Of embedding, norms, gates and biases.
  WeightFormat head_format;
  Dtype kv_dtype = Dtype::kBf16;  // That the checkpoint asks for.
  // Faults in the formats that its publisher states; they matter unless a scenario states others.
  std::vector<Fault> format_faults;
  std::vector<std::string> format_notes;  // What was read of them in part, a sentence each.
  std::int64_t tower_params = 0;  // Of a vision tower: in memory in 16 bit, not in any count.
  std::vector<std::string> not_modelled;  // What the numbers leave out, in words.

  bool is_moe() const;
  std::int64_t num_moe_layers() const;
  std::int64_t embedding_params() const { return vocab_size * hidden_size; }
  // The first MoE block. Requires: is_moe().
  const MoeSpec& moe() const;
};

// Counts of the whole model. Where zero experts exist, active uses the expected number of real
// picks.
ParameterCounts count_parameters(const ModelSpec& model);

// Parameters of one layer's blocks. Gate, shared gate and the projections of latent
// experts are counted in `gate`, mixing of residual streams in `norms`.
struct LayerParameters {
  std::int64_t attention = 0;
  std::int64_t norms = 0;
  std::int64_t dense = 0;
  std::int64_t gate = 0;
  std::int64_t shared = 0;
  std::int64_t routed = 0;         // All experts.
  std::int64_t routed_active = 0;  // The top-k.
};
LayerParameters count_parameters(const ModelSpec& model, const LayerSpec& layer);

// Forward floating-point operations of one token at a context length: 2 per active matrix parameter
// plus attention scores and values, and the head.
Flops flops_per_token(const ModelSpec& model, std::int64_t context);

// The part of it that mixes tokens: scores, values, indexers, states.
Flops mixing_flops_per_token(const ModelSpec& model, std::int64_t context);

// Scenario-level changes to a published model ("moe.model.num_experts: 64"). Absent = as published.
struct ModelOverrides {
  std::optional<std::int64_t> num_experts = {};
  std::optional<std::int64_t> top_k = {};
  std::optional<std::int64_t> expert_width = {};
  std::optional<std::int64_t> num_layers = {};
};
// Applies the expert changes to every MoE layer. Fewer layers are the first ones, more continue
// their repeating pattern. The router's groups stay, so they must still divide the experts.
// Throws: std::invalid_argument with what is allowed (the scenario reader adds file and line).
ModelSpec with_overrides(ModelSpec model, const ModelOverrides& overrides);

}  // namespace moesim
