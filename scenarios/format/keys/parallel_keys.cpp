#include "scenarios/format/keys/parallel_keys.h"

namespace moesim {
namespace {

constexpr form::Whole kWidth{1, 1'000'000};

KeyMap<ParallelPlan> layout(const Default& replicas) {
  using P = ParallelPlan;
  return {
      "{tp: 8}",
      {
          key(&P::tp, "tp", kWidth,
              otherwise(
                  "the devices of a node, or as many of them as divide it and the model's heads "
                  "and widths; 1 beside pp or attention_dp"),
              "Tensor-parallel ranks"),
          key(&P::pp, "pp", kWidth, kAsBuilt, "Pipeline stages"),
          key(&P::attention_dp, "attention_dp", kWidth, kAsBuilt,
              "Copies of attention, each with requests of its own"),
          key(&P::ep, "ep", kWidth,
              otherwise("all ranks of a stage beside attention_dp above 1, else 1"),
              "Ranks that experts are spread over"),
          key(&P::moe_tp, "moe_tp", kWidth, otherwise("tp x attention_dp / ep"),
              "Ranks that each expert is sliced over"),
          key(&P::replicas, "replicas", kWidth, replicas, "Copies of the whole"),
      }};
}

}  // namespace

const KeyMap<ParallelPlan>& parallel_keys() {
  static const KeyMap<ParallelPlan> map = layout(otherwise("as many as fit the cluster"));
  return map;
}

KeyFacts parallel_key() {
  return key("parallel", parallel_keys().form(),
             otherwise("one replica per node, sliced over its devices"),
             "Layout of the workers (of the decode workers, beside prefill)");
}

KeyFacts prefill_key() {
  return key(
      "prefill", layout(otherwise("1")).form(), otherwise("none: one pool does both"),
      "Layout of prefill workers of their own, which send each prompt's KV cache to a decode "
      "worker");
}

}  // namespace moesim
