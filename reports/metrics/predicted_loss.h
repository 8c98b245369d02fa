// The loss that a scaling law predicts for the model of a deployment.
#pragma once

#include "models/quality/scaling_laws.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// Tokens of the deployment, or the assumption where nobody has decided them.
TrainingTokens training_tokens_of(const Deployment& deployment);

LossEstimate loss_of(const Deployment& deployment);

}  // namespace moesim
