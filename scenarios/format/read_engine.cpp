#include "scenarios/format/read_engine.h"

#include "hardware/read/profiles.h"
#include "scenarios/format/keys/engine_keys.h"
#include "scenarios/format/read_value.h"
#include "sim/deployment/engine_keys.h"

namespace moesim {
namespace {

struct EngineReader {
  const Variation& variation;
  LoadedEngines& loaded;
  Deployment& deployment;
  ServingPolicy profiled = {};  // As the profile states it, before draws and own words.

  // "vllm", "vllm 0.8", "my-engine.yaml 2025-04".
  void load_serving(const Value& value) {
    const auto text = value.text();
    if (!text) return;
    EngineWords words = engine_words(name_or_file_beside(value, *text));
    if (words.release.empty()) words = engine_words(*text);
    words.engine = name_or_file_beside(value, words.engine);
    try {
      use_engine(words);
    } catch (const InputError& e) {
      refuse(value, e);
    }
  }

  void use_engine(const EngineWords& words) {
    const auto policy = [&](auto& engines, const Variation& draw) {
      const EngineProfile& engine =
          made_once(engines, words.engine, [&] { return load_engine(words.engine, draw); });
      return serving_policy(release_of(engine, words.release),
                            deployment.cluster.node.device.memory);
    };
    deployment.serving = policy(loaded.drawn, variation);
    profiled = policy(loaded.stated, {});
  }

  // The engine's numbers in the scenario's own words. What says no more than the engine's profile
  // rests on the profile as before.
  void read_numbers(MapReader& map) {
    ServingPolicy given = profiled;
    read_keys(map, serving_keys(), given);
    for (const Key<ServingPolicy>& row : serving_keys()) {
      if (row.member->same(given, profiled)) continue;
      row.member->copy(given, deployment.serving);
      deployment.serving.forget(row.name());
    }
  }

  void read(const std::optional<Value>& value) {
    if (!value || value->is_map()) use_engine({"vllm", ""});
    if (!value) return;
    if (value->is_scalar()) return load_serving(*value);
    if (!value->is_map()) {
      value->fault(form::allowed_text(engine_map()));
      return;
    }
    MapReader map(*value);
    if (const auto name = map.optional(engine_name_key().name)) load_serving(*name);
    read_numbers(map);
    read_keys(map, engine_choice_keys(), deployment);
    map.done();
  }

  void reach_device(const std::optional<Value>& value) {
    if (!value || deployment.serving.backend == DeviceInterface::kNative) return;
    DeviceSpec& device = deployment.cluster.node.device;
    if (!device.family.backend.empty()) {
      use_backend(device.family, word_of(deployment.serving.backend), variation);
    } else if (!device.name.empty()) {
      value->fault("`backend: native`: there is no Vulkan for " + device.name);
    }
  }
};

}  // namespace

void read_engine(const std::optional<Value>& value, const Variation& variation,
                 LoadedEngines& loaded, Deployment& deployment) {
  EngineReader reader{variation, loaded, deployment};
  reader.read(value);
  reader.reach_device(value);
}

}  // namespace moesim
