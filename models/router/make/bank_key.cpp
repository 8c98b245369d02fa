#include "models/router/make/bank_key.h"

#include <fmt/format.h>

#include <concepts>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/document.h"
#include "base/hash.h"
#include "models/router/kernel/gate.h"
#include "models/router/make/bank_cache.h"
#include "models/router/recorded/gate_weights.h"
#include "models/router/tokens/calibration.h"

namespace moesim {

namespace {

// Texts are preceded by their length, so that no two lists of fields give the same text.
class Key {
 public:
  Key& add(std::string_view text) {
    return append(fmt::format("{}:", text.size())).append(text).append("|");
  }
  Key& add(std::integral auto value) {
    return append(fmt::format("{}|", static_cast<std::int64_t>(value)));
  }
  Key& add(double value) { return append(fmt::format("{:a}|", value)); }
  template <typename Choice>
  requires std::is_enum_v<Choice> Key& add(Choice value) {
    return add(static_cast<std::int64_t>(value));
  }
  // In file names.
  std::string text() const { return hasher_.hash().text(); }

 private:
  Key& append(std::string_view text) {
    hasher_.add(text);
    return *this;
  }

  Hasher hasher_;
};

void add_router(Key& key, const RouterSpec& r) {
  key.add(r.score).add(r.order).add(r.rule).add(r.renormalise).add(r.gate_bias);
  key.add(r.correction_bias).add(r.num_groups).add(r.top_groups).add(r.group_score);
  key.add(r.group_mask).add(r.scaling).add(r.jitter).add(r.num_zero_experts);
  key.add(r.renormalise_floor).add(r.scale_renormalised).add(r.weigh_input).add(r.mixer_jitter);
  const CapacitySpec& c = r.capacity;
  key.add(c.factor).add(c.least).add(c.drop).add(c.pad).add(c.block).add(c.fixed);
  key.add(c.training_factor.has_value()).add(c.training_factor.value_or(0));
}

void add_training(Key& key, const TrainingRecipe& training) {
  const BalanceRecipe& b = training.balance;
  key.add(b.aux_loss).add(b.sequence_aux_loss).add(b.gshard_loss).add(b.z_loss);
  key.add(b.importance_loss).add(b.load_loss).add(b.device_loss).add(b.communication_loss);
  key.add(b.devices).add(b.bias_rate);
  key.add(training.steps).add(training.batch_tokens);
  key.add(training.gate_rate).add(training.expert_rate);
}

std::string_view bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

// Only its gates: a checkpoint has hundreds of gigabytes.
void add_gates(Key& key, const std::string& path, const ModelSpec& model) {
  if (path.empty()) return;
  for (const Gate& gate : read_gate_weights(path, model)) {
    key.add(bytes_of(gate.weight)).add(bytes_of(gate.bias)).add(bytes_of(gate.correction));
  }
}

void add_source(Key& key, const TokenSource& source, const ModelSpec& model) {
  key.add(source.policy).add(source.alpha).add(source.sequences).add(source.sequence_tokens);
  key.add(source.domain).add(source.gate).add(source.trace);
  add_gates(key, source.gate, model);
  if (!source.trace.empty()) key.add(read_file(source.trace));
  add_training(key, source.training);
}

}  // namespace

BankName bank_name(const ModelSpec& model, const TokenSource& source, std::uint64_t seed) {
  Key key;
  key.add(kBankFormat).add(model.name).add(model.architecture).add(model.hidden_size);
  key.add(model.num_moe_layers());
  add_router(key, model.moe().router);
  add_source(key, source, model);
  key.add(calibration_text()).add(seed);
  const std::string family = key.text();
  key.add(model.moe().num_experts).add(model.moe().top_k);
  return {key.text() + ".bank", family};
}

std::string bank_file_name(const ModelSpec& model, const TokenSource& source, std::uint64_t seed) {
  return bank_name(model, source, seed).file;
}

}  // namespace moesim
