// Routing recorded as counts per expert in lines of a table.
#pragma once

#include <string>

#include "models/router/bank/routing_bank.h"
#include "models/router/counts/layer_counts.h"
#include "models/spec/model_spec.h"

namespace moesim {

// A bank from lines of "layer_id,expert_id,count" (also "layer,expert,count") after that header;
// pairs that are left out count 0.
// Throws: InputError with the file's faults and their lines.
RoutingBank read_expert_counts(const std::string& path, const ModelSpec& model,
                               const DrawnTokens& drawn);

}  // namespace moesim
