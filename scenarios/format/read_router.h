// The `router:` part of a case: where the routing of its tokens comes from, the baselines that it
// is compared with, and what it changes in the model's own scheme.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/document.h"
#include "base/read_log.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// Reads into deployment.tokens and changes the scheme of every MoE layer of deployment.model.
// Returns the baselines asked for. Faults of text go to the value's collector.
std::vector<TokenPolicy> read_router(const Value& value, Deployment& deployment);

// Files that a router was checked against, by file and what it must match: the faults found.
using CheckedFiles = std::map<std::string, MadeOf<std::vector<Fault>>>;

// What is wrong between the router of a case and its final model: sizes that contradict each other
// go to `contradictions` at the closest key below `whole`, the case; recorded routing and gate
// weights that do not match the model are faults of the value. Files are read once.
void check_routing(const Value& whole, const Deployment& deployment, Faults& contradictions,
                   CheckedFiles& checked);

// Recipe keys of `training:` (aux_loss, bias_rate, steps, ...), also those of `moesim route`.
TrainingRecipe read_training(const Value& value);

}  // namespace moesim
