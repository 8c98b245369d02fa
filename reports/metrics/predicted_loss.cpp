#include "reports/metrics/predicted_loss.h"

namespace moesim {

TrainingTokens training_tokens_of(const Deployment& deployment) {
  if (deployment.training.tokens > 0) return deployment.training;
  return assumed_training_tokens(deployment.model);
}

LossEstimate loss_of(const Deployment& deployment) {
  return estimate_loss(law_shape(deployment.model), training_tokens_of(deployment).tokens);
}

}  // namespace moesim
