// Steps of equal sequences, and what the step model makes of them.
#pragma once

#include <cstdint>
#include <vector>

#include "models/router/make/make_bank.h"
#include "sim/step/step_model.h"
#include "tests/sim/made_deployment.h"

namespace moesim::made {

inline RankStep decodes(std::int64_t sequences, std::int64_t context) {
  RankStep step;
  step.batch.attention.resize(1);
  for (std::int64_t i = 0; i < sequences; ++i) {
    step.items.push_back({static_cast<std::int32_t>(i), 1});
    step.batch.attention[0].add_decode(context, 0);
  }
  step.batch.decode_tokens = step.batch.sampled = sequences;
  return step;
}

inline RankStep prompt(std::int64_t tokens) {
  RankStep step;
  step.items.push_back({0, static_cast<std::int32_t>(tokens)});
  step.batch.attention.resize(1);
  step.batch.attention[0].add_prefill(0, tokens, 0);
  step.batch.prefill_tokens = tokens;
  step.batch.sampled = 1;
  return step;
}

// Attention on `dp` ranks of their own, experts spread over all of them; nodes of `per_node`.
inline Deployment expert_parallel(std::int64_t dp, std::int64_t per_node) {
  Deployment d = deployment(small_moe(), cluster(device(), per_node));
  d.cluster.nodes = dp / per_node;
  d.cluster.node.nics = per_node;
  d.cluster.node.nic_bandwidth = BytesPerSecond(50e9);
  d.plan.attention_dp = d.plan.ep = dp;
  return d;
}
inline Deployment expert_parallel(std::int64_t dp) {
  return expert_parallel(dp, dp);
}

// Costs of steps of the first stage of the first replica, one after another.
inline std::vector<StageCost> costs_of(const Deployment& deployment, const RoutingBank& bank,
                                       const std::vector<std::vector<RankStep>>& steps) {
  StepModel model(deployment, &bank);
  Stage stage = make_stage(deployment, 0, 0);
  std::vector<StageCost> costs(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) model.run(stage, steps[i], costs[i]);
  return costs;
}

// Cost of one step.
inline StageCost cost_of(const Deployment& deployment, const std::vector<RankStep>& ranks) {
  RoutingBank bank;
  if (deployment.model.is_moe()) bank = make_routing_bank(deployment.model, deployment.tokens, 1);
  return costs_of(deployment, bank, {ranks}).front();
}

}  // namespace moesim::made
