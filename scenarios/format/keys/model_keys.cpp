#include "scenarios/format/keys/model_keys.h"

#include "models/config/catalog.h"

namespace moesim {
namespace {

constexpr form::Whole kWidth{1, 1'000'000};
constexpr form::Word<Dtype> kFormat;
constexpr form::Word<FormatName> kWeightFormat;

form::Name name() {
  return {catalog_names, "a catalog name or the path of a config.json"};
}

form::Map module_map() {
  const form::Part format{form::described(kWeightFormat), "Format of these modules"};
  return {{}, "{lm_head: bf16, \"re:.*self_attn.*\": fp8}", false, {format}};
}

}  // namespace

const KeyMap<ModelOverrides>& model_keys() {
  using M = ModelOverrides;
  static const KeyMap<M> map = {
      "{name: deepseek-v3, top_k: 4}",
      {
          key("name", name(), kRequired,
              "A model of `moesim list models`, or the path of a config.json"),
          key(&M::num_experts, "num_experts", kWidth, otherwise("the model's"), "Routed experts"),
          key(&M::top_k, "top_k", kWidth, otherwise("the model's"), "Experts of a token"),
          key(&M::expert_width, "expert_width", kWidth, otherwise("the model's"),
              "Intermediate width of an expert"),
          key(&M::num_layers, "num_layers", kWidth, otherwise("the model's"), "Layers"),
      }};
  return map;
}

KeyFacts model_key() {
  const form::Part published{name(),
                             "A model of `moesim list models`, or the path of a config.json"};
  const form::Part resized{model_keys().form(), "A model with other sizes"};
  return key("model", form::Either{{published, resized}, name().allowed}, kRequired,
             "The model: a name or path, or a map with other sizes");
}

const KeyMap<DtypePlan>& dtype_keys() {
  using D = DtypePlan;
  static const KeyMap<D> map = {
      "{weights: fp8, kv: bf16}",
      {
          key(&D::weights, "weights", kWeightFormat, otherwise("as published"), "Weights"),
          key(&D::experts, "experts", kWeightFormat,
              otherwise("as weights if these are given, else as published"),
              "Weights of the routed experts"),
          key("modules", module_map(), otherwise("as weights, experts"),
              "Weights of single modules: names, * patterns or re: expressions as in a "
              "quantization_config, each with its format"),
          key(&D::kv, "kv", kFormat, otherwise("as published, else bf16"), "KV cache"),
          key(&D::dispatch, "dispatch", kFormat,
              otherwise("fp8 if the experts multiply in fp8, else bf16"),
              "Tokens that travel to their experts"),
      }};
  return map;
}

KeyFacts dtype_key() {
  return key("dtype", dtype_keys().form(), otherwise("as published"), "Number formats");
}

}  // namespace moesim
