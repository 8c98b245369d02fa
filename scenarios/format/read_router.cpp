#include "scenarios/format/read_router.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/router/training/recipe_keys.h"
#include "scenarios/format/keys/router_keys.h"
#include "scenarios/format/read_value.h"

namespace moesim {
namespace {

std::vector<TokenPolicy> read_baselines(const Value& value) {
  std::vector<TokenPolicy> baselines;
  for (const Value& item : value.items()) {
    const auto policy = item.word<TokenPolicy>(kBaselines);
    if (!policy) continue;
    const bool twice = std::find(baselines.begin(), baselines.end(), *policy) != baselines.end();
    if (twice) item.fault("each baseline once");
    baselines.push_back(*policy);
  }
  return baselines;
}

// A file or folder that the value names.
void read_path(const std::optional<Value>& value, std::string& path) {
  const auto name = value ? value->text() : std::nullopt;
  if (name) path = file_beside(*value, *name);
}

// Where tokens come from. A recording and a recipe say so themselves.
RouterSource read_source(MapReader& map) {
  RouterSource source;
  TokenSource& tokens = source.tokens;
  if (map.has("trace")) {
    tokens.policy = TokenPolicy::kRecorded;
  } else if (map.has("training")) {
    tokens.policy = TokenPolicy::kTrained;
  }
  const auto read_trace = [&](const std::optional<Value>& value) {
    read_path(value, tokens.trace);
    if (tokens.policy == TokenPolicy::kRecorded) {
      map.required("trace", "recorded routing needs its file: .npy, .jsonl, .pt, .json or .csv");
    }
  };
  read_keys(map, source_keys(), source,
            {{"trace", read_trace},
             {"gate", [&](const auto& value) { read_path(value, tokens.gate); }},
             {"training",
              [&](const auto& value) {
                if (value) tokens.training = read_training(*value);
              }},
             {"baselines", [&](const auto& value) {
                if (value) source.baselines = read_baselines(*value);
              }}});
  const std::int64_t bank = tokens.sequences * tokens.sequence_tokens;
  if (bank > kMaxBankTokens) {
    map.value().fault(
        fmt::format("bank_sequences times bank_sequence_tokens up to {} expected", kMaxBankTokens),
        fmt::format("{} tokens", bank));
  }
  return source;
}

// What a case changes in the scheme of every MoE layer: the keys that it gives.
class SchemeReader {
 public:
  explicit SchemeReader(MapReader& map) {
    scheme_ = read_keys(map, scheme_keys(), given_, {{"capacity", [this](const auto& value) {
                                                        if (value) read_capacity(*value);
                                                      }}});
  }

  void change(RouterSpec& router) const {
    copy_keys(scheme_, given_, router);
    // Fewer groups than may be kept: all of them are kept, unless the file says otherwise.
    if (!gives(scheme_, "top_groups")) {
      router.top_groups = std::min(router.top_groups, router.num_groups);
    }
    copy_keys(capacity_, given_.capacity, router.capacity);
    // Either a factor or a number of tokens decides.
    if (gives(capacity_, "factor")) router.capacity.fixed = 0;
  }

 private:
  template <class T>
  static bool gives(const std::vector<const Key<T>*>& rows, std::string_view name) {
    return std::any_of(rows.begin(), rows.end(),
                       [name](const Key<T>* row) { return row->name() == name; });
  }

  void read_capacity(const Value& value) {
    auto map = open_map(value, capacity_keys());
    if (!map) return;
    capacity_ = read_keys(*map, capacity_keys().keys, given_.capacity);
    map->done();
  }

  RouterSpec given_;
  std::vector<const Key<RouterSpec>*> scheme_;
  std::vector<const Key<CapacitySpec>*> capacity_;
};

}  // namespace

TrainingRecipe read_training(const Value& value) {
  TrainingRecipe recipe;
  read_map(value, recipe_keys(), recipe);
  return recipe;
}

std::vector<TokenPolicy> read_router(const Value& value, Deployment& deployment) {
  if (!value.is_map()) {
    value.fault(form::allowed_text(router_key().form));
    return {};
  }
  MapReader map(value);
  RouterSource source = read_source(map);
  deployment.tokens = std::move(source.tokens);
  const std::vector<TokenPolicy> baselines = std::move(source.baselines);
  const SchemeReader scheme(map);
  map.done();
  for (LayerSpec& layer : deployment.model.layers) {
    if (layer.moe) scheme.change(layer.moe->router);
  }
  const bool is_loaded = !deployment.model.layers.empty();
  if (is_loaded && !deployment.model.is_moe()) {
    value.fault("the model is dense and has no router; leave this out", "given");
  }
  if (std::find(baselines.begin(), baselines.end(), deployment.tokens.policy) != baselines.end()) {
    map.optional("baselines")->fault("another way of routing than the case's own expected");
  }
  return baselines;
}

}  // namespace moesim
