// Router fields that the config of any family may have beside the family's own scheme: noise and
// capacity while training, dropping, hash layers, balancing rules.
#pragma once

#include "models/config/config_fields.h"
#include "models/spec/model_spec.h"

namespace moesim {

// Completes the routers of all MoE layers:
//   jitter     router_jitter_noise (Switch, Mixtral), moe_input_jitter_eps (Megatron),
//              input_jitter_noise (Phi-3.5-MoE, whose router_jitter_noise is its mixer's);
//   capacity   expert_capacity (Switch), moe_expert_capacity_factor, moe_token_drop_policy and
//              moe_pad_expert_input_to_capacity (Megatron), moe_token_dropping with
//              moe_train_capacity_factor, moe_eval_capacity_factor and moe_min_capacity (Arctic),
//              moe_drop_tokens (Hunyuan);
//   rule       num_hash_layers (DeepSeek-V4), moe_router_load_balancing_type (Megatron).
// Source: config.json of each family; docs/physics.md, "Router".
void read_router_options(const ConfigFields& fields, ModelSpec& model);

}  // namespace moesim
