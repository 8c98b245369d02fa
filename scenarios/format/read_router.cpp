#include "scenarios/format/read_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "scenarios/format/read_value.h"

namespace moesim {
namespace {

// Routing this many tokens through the largest models takes minutes and a gigabyte.
constexpr std::int64_t kMaxBankTokens = 65'536;
constexpr std::int64_t kMaxGroups = 100'000;
constexpr std::int64_t kMaxZeroExperts = 10'000;
constexpr std::int64_t kMaxCapacity = 1'000'000;
constexpr std::int64_t kMaxBlock = 4096;

constexpr std::array kBaselines = {TokenPolicy::kBalanced, TokenPolicy::kUniform,
                                   TokenPolicy::kPowerLaw};

// What a case changes in the model's scheme, to be done to every MoE layer.
struct SchemeReader {
  MapReader& map;
  std::vector<std::function<void(RouterSpec&)>> changes = {};

  template <class Enum>
  void choice(const char* key, Enum RouterSpec::*field) {
    const auto value = map.optional(key);
    if (!value) return;
    const Enum chosen = value->word<Enum>().value_or(Enum{});
    changes.push_back([=](RouterSpec& router) { router.*field = chosen; });
  }

  void flag(const char* key, bool RouterSpec::*field) {
    const auto value = map.optional(key);
    const auto flag = value ? value->boolean() : std::nullopt;
    if (flag) changes.push_back([=](RouterSpec& router) { router.*field = *flag; });
  }

  void count(const char* key, std::int64_t least, std::int64_t most,
             std::int64_t RouterSpec::*field) {
    const auto value = map.optional(key);
    const auto count = value ? value->integer(least, most) : std::nullopt;
    if (count) changes.push_back([=](RouterSpec& router) { router.*field = *count; });
  }

  void groups() {
    count("num_groups", 1, kMaxGroups, &RouterSpec::num_groups);
    // Fewer groups than may be kept: all of them are kept, unless the file says otherwise.
    changes.push_back([](RouterSpec& r) { r.top_groups = std::min(r.top_groups, r.num_groups); });
    count("top_groups", 1, kMaxGroups, &RouterSpec::top_groups);
    choice("group_score", &RouterSpec::group_score);
    choice("group_mask", &RouterSpec::group_mask);
  }

  void capacity() {
    const auto value = map.optional("capacity");
    auto keys = value ? map_like(*value, "{factor: 1.25}") : std::nullopt;
    if (!keys) return;
    const auto factor = keys->optional("factor");
    const auto number = factor ? factor->number(0, 1000) : std::nullopt;
    const auto least = keys->optional("least");
    const auto tokens = least ? least->integer(0, kMaxCapacity) : std::nullopt;
    const auto drop = keys->optional("drop");
    const auto pad = keys->optional("pad");
    const auto padded = pad ? pad->boolean() : std::nullopt;
    const auto block = keys->optional("block");
    const auto rows = block ? block->integer(1, kMaxBlock) : std::nullopt;
    keys->done();
    const auto policy =
        drop ? std::optional(drop->word<DropPolicy>().value_or(DropPolicy{})) : std::nullopt;
    changes.push_back([=](RouterSpec& router) {
      CapacitySpec& spec = router.capacity;
      if (number) spec.fixed = 0;  // Either a factor or a number of tokens decides.
      spec.factor = number.value_or(spec.factor);
      spec.least = tokens.value_or(spec.least);
      spec.drop = policy.value_or(spec.drop);
      spec.pad = padded.value_or(spec.pad);
      spec.block = rows.value_or(spec.block);
    });
  }

  void read() {
    choice("score", &RouterSpec::score);
    choice("order", &RouterSpec::order);
    choice("rule", &RouterSpec::rule);
    flag("renormalise", &RouterSpec::renormalise);
    flag("correction_bias", &RouterSpec::correction_bias);
    groups();
    if (const auto value = map.optional("scaling")) {
      const auto factor = value->number(1e-6, 1e6);
      if (factor) changes.push_back([=](RouterSpec& router) { router.scaling = *factor; });
    }
    count("num_zero_experts", 0, kMaxZeroExperts, &RouterSpec::num_zero_experts);
    capacity();
  }
};

// Where tokens come from.
struct SourceReader {
  MapReader& map;
  TokenSource& tokens;

  std::string path(const char* key) {
    const auto value = map.optional(key);
    const auto name = value ? value->text() : std::nullopt;
    return name ? file_beside(*value, *name) : "";
  }

  // A key says what only one way of routing has.
  void only_for(const char* key, TokenPolicy policy) {
    const auto value = map.optional(key);
    if (!value || tokens.policy == policy) return;
    value->fault(fmt::format("{} goes with tokens: {} only; here tokens are {}", key,
                             word_of(policy), word_of(tokens.policy)),
                 "given");
  }

  void read_policy() {
    if (map.has("trace")) {
      tokens.policy = TokenPolicy::kRecorded;
    } else if (map.has("training")) {
      tokens.policy = TokenPolicy::kTrained;
    }
    if (const auto value = map.optional("tokens")) {
      tokens.policy = value->word<TokenPolicy>().value_or(tokens.policy);
    }
    if (tokens.policy == TokenPolicy::kRecorded) {
      map.required("trace", "recorded routing needs its file: .npy, .jsonl or .csv");
    }
    only_for("trace", TokenPolicy::kRecorded);
    only_for("training", TokenPolicy::kTrained);
    only_for("domain", TokenPolicy::kCalibrated);
    only_for("gate", TokenPolicy::kCalibrated);
  }

  void read(const std::vector<TokenPolicy>& baselines) {
    read_policy();
    tokens.trace = path("trace");
    tokens.gate = path("gate");
    tokens.domain = map.text_or("domain", "");
    if (const auto training = map.optional("training")) tokens.training = read_training(*training);
    const auto power = std::find(baselines.begin(), baselines.end(), TokenPolicy::kPowerLaw);
    if (power == baselines.end()) only_for("alpha", TokenPolicy::kPowerLaw);
    tokens.alpha = map.number_or("alpha", tokens.alpha, 0, 10);
    tokens.sequences = map.integer_or("bank_sequences", tokens.sequences, 16, 4096);
    tokens.sequence_tokens =
        map.integer_or("bank_sequence_tokens", tokens.sequence_tokens, 16, 4096);
    const std::int64_t bank = tokens.sequences * tokens.sequence_tokens;
    if (bank > kMaxBankTokens) {
      map.value().fault(fmt::format("bank_sequences times bank_sequence_tokens up to {} expected",
                                    kMaxBankTokens),
                        fmt::format("{} tokens", bank));
    }
  }
};

std::vector<TokenPolicy> read_baselines(MapReader& map) {
  std::vector<TokenPolicy> baselines;
  const auto value = map.optional("baselines");
  if (!value) return baselines;
  for (const Value& item : value->items()) {
    const auto policy = item.word<TokenPolicy>(kBaselines);
    if (!policy) continue;
    const bool twice = std::find(baselines.begin(), baselines.end(), *policy) != baselines.end();
    if (twice) item.fault("each baseline once");
    baselines.push_back(*policy);
  }
  return baselines;
}

}  // namespace

TrainingRecipe read_training(const Value& value) {
  TrainingRecipe recipe;
  auto map = map_like(value, "{aux_loss: 0.01}");
  if (!map) return recipe;
  BalanceRecipe& balance = recipe.balance;
  for (const auto& [key, weight] :
       {std::pair{"aux_loss", &balance.aux_loss},
        std::pair{"sequence_aux_loss", &balance.sequence_aux_loss},
        std::pair{"gshard_loss", &balance.gshard_loss}, std::pair{"z_loss", &balance.z_loss},
        std::pair{"importance_loss", &balance.importance_loss},
        std::pair{"load_loss", &balance.load_loss}, std::pair{"device_loss", &balance.device_loss},
        std::pair{"communication_loss", &balance.communication_loss}}) {
    *weight = map->number_or(key, *weight, 0, 10);
  }
  for (const auto& [key, rate] :
       {std::pair{"bias_rate", &balance.bias_rate}, std::pair{"gate_rate", &recipe.gate_rate},
        std::pair{"expert_rate", &recipe.expert_rate}}) {
    *rate = map->number_or(key, *rate, 0, 1);
  }
  balance.devices = map->integer_or("devices", balance.devices, 1, kMaxGroups);
  recipe.steps = map->integer_or("steps", recipe.steps, 1, 100'000);
  recipe.batch_tokens = map->integer_or("batch_tokens", recipe.batch_tokens, 16, 65'536);
  map->done();
  return recipe;
}

std::vector<TokenPolicy> read_router(const Value& value, Deployment& deployment) {
  auto map = map_like(value, "{tokens: calibrated}");
  if (!map) return {};
  const std::vector<TokenPolicy> baselines = read_baselines(*map);
  SourceReader{*map, deployment.tokens}.read(baselines);
  SchemeReader scheme{*map};
  scheme.read();
  map->done();
  for (LayerSpec& layer : deployment.model.layers) {
    if (!layer.moe) continue;
    for (const auto& change : scheme.changes) change(layer.moe->router);
  }
  const bool is_loaded = !deployment.model.layers.empty();
  if (is_loaded && !deployment.model.is_moe()) {
    value.fault("the model is dense and has no router; leave this out", "given");
  }
  if (std::find(baselines.begin(), baselines.end(), deployment.tokens.policy) != baselines.end()) {
    map->optional("baselines")->fault("another way of routing than the case's own expected");
  }
  return baselines;
}

}  // namespace moesim
