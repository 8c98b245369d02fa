#include "models/router/training/recipe_keys.h"

namespace moesim {
namespace {

using R = TrainingRecipe;
using B = BalanceRecipe;

constexpr form::Number kRate{0, 1};

Key<R> weight(double B::*member, const char* name, const std::string& loss) {
  return key(path(&R::balance, member), name, form::Number{0, 10}, kAsBuilt, "Weight of " + loss);
}

}  // namespace

const KeyMap<TrainingRecipe>& recipe_keys() {
  static const KeyMap<R> map = {
      "{aux_loss: 0.01}",
      {
          weight(&B::aux_loss, "aux_loss", "Switch's auxiliary loss over a batch"),
          weight(&B::sequence_aux_loss, "sequence_aux_loss",
                 "the same loss within each sequence (DeepSeek-V3)"),
          weight(&B::gshard_loss, "gshard_loss", "GShard's loss on first choices"),
          weight(&B::z_loss, "z_loss", "the z-loss, which keeps logits small"),
          weight(&B::importance_loss, "importance_loss",
                 "the loss on the experts' importance (Shazeer 2017)"),
          weight(&B::load_loss, "load_loss",
                 "the loss on the experts' load (Shazeer 2017); needs noisy_top_k"),
          weight(&B::device_loss, "device_loss", "the balance over devices (DeepSeek-V2)"),
          weight(&B::communication_loss, "communication_loss",
                 "the balance of what devices receive (DeepSeek-V2)"),
          key(path(&R::balance, &B::devices), "devices", form::Whole{1, 100'000}, kAsBuilt,
              "Devices that the two losses over devices balance"),
          key(path(&R::balance, &B::bias_rate), "bias_rate", kRate, kAsBuilt,
              "Step of the loss-free correction bias (DeepSeek-V3: 0.001)"),
          key(&R::steps, "steps", form::Whole{1, 100'000}, kAsBuilt, "Training steps"),
          key(&R::batch_tokens, "batch_tokens", form::Whole{16, 65'536}, kAsBuilt,
              "Tokens of a training step"),
          key(&R::gate_rate, "gate_rate", kRate, kAsBuilt, "Learning rate of the gate"),
          key(&R::expert_rate, "expert_rate", kRate, kAsBuilt, "Learning rate of the experts"),
      }};
  return map;
}

}  // namespace moesim
