#include "scenarios/format/keys/placement_keys.h"

namespace moesim {

const KeyMap<PlacementSpec>& placement_keys() {
  using P = PlacementSpec;
  static const KeyMap<P> map = {
      "{policy: eplb, redundant_experts: 16}",
      {
          key(&P::policy, "policy", form::Word<PlacementPolicy>{}, kAsBuilt,
              "By number (linear, round_robin), by load (eplb), or by load and by which experts "
              "are "
              "chosen together (coactivation)"),
          key(&P::redundant_experts, "redundant_experts", form::Whole{0, 1'000'000}, kAsBuilt,
              "Further copies of busy experts, per layer"),
          key(&P::scope, "scope", form::Word<EplbScope>{}, kAsBuilt,
              "Whether groups of experts stay within a node (hierarchical), or experts lie "
              "anywhere; auto decides by the model's groups"),
          key(&P::replicas, "replicas", form::Word<ReplicaChoice>{}, kAsBuilt,
              "How tokens choose between copies of an expert: each in turn, or the nearest one "
              "always"),
          key(&P::rebalance_steps, "rebalance_steps", form::Whole{0, 1'000'000'000}, kAsBuilt,
              "Steps between placements by the load seen; 0 = placed once"),
          key(&P::rebalance_gain, "rebalance_gain", form::Number{0, 10}, kAsBuilt,
              "By how much the fullest group's load over the mean has to fall for a layer's "
              "experts "
              "to move; 0 = always, as vLLM and SGLang do"),
          key(&P::profile, "profile", form::Word<PlacementProfile>{}, kAsBuilt,
              "Tokens that a placement by load is made for: others than are served, or the same"),
      }};
  return map;
}

KeyFacts placement_key() {
  return key("placement", placement_keys().form(), otherwise("linear, placed once"),
             "Which rank of expert parallelism has which expert");
}

}  // namespace moesim
