#include "scenarios/format/read_engine.h"

#include "scenarios/format/read_value.h"

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

  // A number of the engine in the scenario's own words. What says no more than the engine's profile
  // rests on the profile as before.
  template <class Number>
  void set_own(const std::string& key, const Number& given, const Number& stated, Number& number) {
    if (given == stated) return;
    number = given;
    deployment.serving.forget(key);
  }

  void set_number(MapReader& map, const std::string& key, std::pair<double, double> bounds,
                  double stated, double& number) {
    if (!map.optional(key)) return;
    set_own(key, map.number_or(key, stated, bounds.first, bounds.second), stated, number);
  }

  void set_count(MapReader& map, const std::string& key, std::int64_t max, std::int64_t stated,
                 std::int64_t& count) {
    if (map.optional(key)) set_own(key, map.integer_or(key, stated, 1, max), stated, count);
  }

  void set_time(MapReader& map, const std::string& key, Seconds stated, Seconds& time) {
    const auto value = map.optional(key);
    if (!value) return;
    const Seconds given = Seconds(value->quantity(Dimension::kTime, true).value_or(0));
    if (given > Seconds(60)) value->fault("at most 60 s");
    set_own(key, given, stated, time);
  }

  void set_flag(MapReader& map, const std::string& key, bool stated, bool& flag) {
    if (map.optional(key)) set_own(key, map.boolean_or(key, stated), stated, flag);
  }

  void read_engine_numbers(MapReader& map) {
    constexpr std::pair kFactor{0.01, 100.0};
    ServingPolicy& own = deployment.serving;
    EngineMemoryRules& rules = own.memory;
    const EngineMemoryRules& limits = profiled.memory;
    set_number(map, "memory_utilization", {0.1, 1}, limits.memory_utilization,
               rules.memory_utilization);
    set_count(map, "max_num_seqs", 65536, limits.max_num_seqs, rules.max_num_seqs);
    set_count(map, "max_batched_tokens", 1 << 20, limits.max_batched_tokens,
              rules.max_batched_tokens);
    set_count(map, "kv_block_tokens", 4096, limits.kv_block_tokens, rules.kv_block_tokens);
    set_flag(map, "chunked_prompts", profiled.chunked_prompts, own.chunked_prompts);
    set_number(map, "reserved_output", {0, 1}, profiled.reserved_output, own.reserved_output);
    set_count(map, "admission_interval", 10000, profiled.admission_interval,
              own.admission_interval);
    set_number(map, "launch_factor", kFactor, profiled.launch_factor, own.launch_factor);
    set_number(map, "eager_factor", kFactor, profiled.eager_factor, own.eager_factor);
    set_number(map, "expert_factor", kFactor, profiled.expert_factor, own.expert_factor);
    set_time(map, "step_time", profiled.step_overhead, own.step_overhead);
    set_time(map, "sequence_time", profiled.sequence_overhead, own.sequence_overhead);
    set_time(map, "request_time", profiled.request_overhead, own.request_overhead);
    set_flag(map, "overlaps_host", profiled.overlaps_host, own.overlaps_host);
    set_flag(map, "two_batch_overlap", profiled.overlaps_batches, own.overlaps_batches);
    set_flag(map, "shared_expert_overlap", profiled.overlaps_shared_experts,
             own.overlaps_shared_experts);
    set_flag(map, "all_reduce_overlap", profiled.overlaps_all_reduce, own.overlaps_all_reduce);
    set_flag(map, "cuda_graphs", profiled.cuda_graphs, own.cuda_graphs);
    read_word(map, "sampling", deployment.sampling);
    const BatchPolicy* batching = profiled.batching;
    read_word(map, "batching", batching);
    set_own("batching", batching, profiled.batching, own.batching);
  }

  void read(const std::optional<Value>& value) {
    if (!value || value->is_map()) use_engine({"vllm", ""});
    if (!value) return;
    if (value->is_scalar()) return load_serving(*value);
    auto map = map_like(*value, "{name: vllm 0.8, max_num_seqs: 256}");
    if (!map) return;
    if (const auto name = map->optional("name")) load_serving(*name);
    read_engine_numbers(*map);
    read_word(*map, "all_reduce", deployment.all_reduce);
    read_word(*map, "dispatch", deployment.dispatch);
    read_word(*map, "combine", deployment.combine);
    map->done();
  }
};

}  // namespace

void read_engine(MapReader& one_case, const Variation& variation, LoadedEngines& loaded,
                 Deployment& deployment) {
  EngineReader{variation, loaded, deployment}.read(one_case.optional("engine"));
}

}  // namespace moesim
