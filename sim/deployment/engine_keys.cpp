#include "sim/deployment/engine_keys.h"

namespace moesim {
namespace {

using P = ServingPolicy;
using M = EngineMemoryRules;
using enum EngineFile;

constexpr std::int64_t kMostSequences = 65'536;
constexpr std::int64_t kMostTokens = 1 << 20;
constexpr form::Number kFactor{0.01, 100};
constexpr form::Quantity kHostTime{.max = 60, .most = "60 s", .zero_allowed = true};
constexpr form::Quantity kMemory{
    .dimension = Dimension::kBytes, .max = 1e13, .most = "10 TB", .zero_allowed = true};
constexpr form::Quantity kTraffic{
    .dimension = Dimension::kBytes, .max = 1e5, .most = "100 kB", .zero_allowed = true};

// What a scenario may say in its own words.
template <class Member, class Form>
EngineKey common(Member member, const char* name, Form form, Certainty certainty, EngineFile file,
                 std::string meaning) {
  return {{key(member, name, form, otherwise("the engine's"), std::move(meaning)), certainty},
          file};
}
template <class Member, class Form>
EngineKey setting(Member member, const char* name, Form form, std::string meaning,
                  EngineFile file = kStates) {
  return common(member, name, form, Certainty::kSetting, file, std::move(meaning));
}
template <class Member, class Form>
EngineKey measured(Member member, const char* name, Form form, std::string meaning,
                   EngineFile file = kStates) {
  return common(member, name, form, Certainty::kUncertain, file, std::move(meaning));
}

// What only engine files say.
template <class Member, class Form>
EngineKey of_file(Member member, const char* name, Form form, Certainty certainty, EngineFile file,
                  std::string meaning, Enters enters = Enters::kTime) {
  const Default fallback = file == kStates ? kRequired : kAsBuilt;
  return {{key(member, name, form, fallback, std::move(meaning)), certainty, enters}, file, false};
}

std::string batching_meaning() {
  std::string meaning = "Choice of the work of a step. ";
  for (const BatchPolicy& policy : batch_policies()) {
    meaning +=
        std::string(meaning.ends_with(". ") ? "" : "; ") + policy.word + ": " + policy.meaning;
  }
  return meaning;
}

std::vector<EngineKey> limits() {
  return {
      setting(path(&P::memory, &M::memory_utilization), "memory_utilization", form::Number{0.1, 1},
              "A share of memory, by the engine's pool rule. vLLM: of all memory, for all that the "
              "engine holds; SGLang: of all memory, for weights and KV cache alone; TensorRT-LLM: "
              "of what weights and buffers leave free, for the KV cache"),
      setting(path(&P::memory, &M::max_num_seqs), "max_num_seqs", form::Whole{1, kMostSequences},
              "Sequences in a batch at most, of each copy of attention"),
      setting(path(&P::memory, &M::max_batched_tokens), "max_batched_tokens",
              form::Whole{1, kMostTokens}, "Tokens of a step at most, of each copy of attention"),
      of_file(&P::large_device, "large_device", kMemory, Certainty::kSetting, kStates,
              "Memory from which a device gets the limits above; smaller ones get those below"),
      of_file(&P::small_max_num_seqs, "small_max_num_seqs", form::Whole{1, kMostSequences},
              Certainty::kSetting, kStates, "max_num_seqs of smaller devices"),
      of_file(&P::small_max_batched_tokens, "small_max_batched_tokens", form::Whole{1, kMostTokens},
              Certainty::kSetting, kStates, "max_batched_tokens of smaller devices"),
      setting(path(&P::memory, &M::kv_block_tokens), "kv_block_tokens", form::Whole{1, 4096},
              "Tokens of a block of the KV cache"),
      setting(&P::batching, "batching", form::Word<const BatchPolicy*>{}, batching_meaning()),
      of_file(
          path(&P::memory, &M::pool), "pool", form::Word<PoolRule>{}, Certainty::kSetting, kStates,
          "Rule of the size of the KV cache. utilization: memory_utilization of all memory, less "
          "everything else; static_fraction: memory_utilization of all memory, less weights; "
          "free_fraction: memory_utilization of what everything else leaves free; context: "
          "context_tokens, for all sequences together"),
      setting(
          path(&P::memory, &M::context_tokens), "context_tokens", form::Whole{0, 100'000'000},
          "Tokens of the KV cache where it is one context that all sequences share "
          "(llama.cpp, --ctx-size); 0 = the model's longest context, or what there is memory for",
          kMayState),
      of_file(
          path(&P::memory, &M::states), "states", form::Word<StateRule>{}, Certainty::kSetting,
          kMayState,
          "Where the states of linear attention and Mamba live. reserved: beside the KV cache, "
          "for max_num_seqs sequences; paged: in blocks of the KV cache, for running sequences; "
          "share: in a share of the KV cache's memory, which bounds the running sequences"),
      of_file(path(&P::memory, &M::state_share), "state_share", form::Number{0, 1},
              Certainty::kSetting, kMayState,
              "Share of the memory of states and KV cache that goes to the states"),
      of_file(path(&P::memory, &M::state_copies), "state_copies", form::Whole{1, 64},
              Certainty::kSetting, kMayState,
              "States that the engine keeps for each running sequence in its share"),
      setting(&P::chunked_prompts, "chunked_prompts", form::Flag{},
              "Whether long prompts are cut into chunks; else a step takes whole prompts only"),
      setting(&P::reserved_output, "reserved_output", form::Number{0, 1},
              "Share of a request's answer that must fit before it is admitted"),
      setting(&P::admission_interval, "admission_interval", form::Whole{1, 10'000},
              "Steps between two admissions of new requests"),
  };
}

std::vector<EngineKey> file_only() {
  using enum Certainty;
  return {
      of_file(path(&P::memory, &M::sampler_bytes_per_logit), "sampler_bytes_per_logit",
              form::Number{0, 1000}, kUncertain, kStates,
              "Workspace of the sampler for each logit of a step's tokens, in bytes",
              Enters::kMemory),
      of_file(path(&P::memory, &M::context_memory), "context_memory", kMemory, kUncertain, kStates,
              "Memory of the driver's context and libraries on each device", Enters::kMemory),
      of_file(path(&P::memory, &M::communicator_memory), "communicator_memory", kMemory, kUncertain,
              kStates, "Memory of communicators, where a stage has several ranks", Enters::kMemory),
      common(path(&P::memory, &M::graph_memory), "graph_memory", kMemory, kUncertain, kMayState,
             "Memory that the engine sets aside for CUDA graphs within memory_utilization"),
      of_file(path(&P::memory, &M::fp4_width_multiple), "fp4_width_multiple", form::Whole{1, 4096},
              kSetting, kMayState,
              "Multiple to which 4-bit expert kernels pad the width of an expert", Enters::kMemory),
      of_file(path(&P::memory, &M::expert_chunk_tokens), "expert_chunk_tokens",
              form::Whole{1, kMostTokens}, kSetting, kMayState,
              "Gathered tokens in one call of the expert kernels at most; larger steps are cut",
              Enters::kMemory),
      of_file(&P::expert_alignment, "expert_alignment", form::Whole{0, 4096}, Certainty::kSetting,
              kMayState,
              "Rows to which contiguous expert kernels for 8-bit block scales pad each expert that "
              "has rows, in steps of so many tokens and more on devices that run them; 0 = none"),
      of_file(&P::dispatch_sms, "dispatch_sms", form::Number{0, 1024}, Certainty::kSetting,
              kMayState, "SMs that move data in normal dispatch and combine"),
      of_file(&P::greedy_sampling, "greedy_sampling", kTraffic, kUncertain, kMayState,
              "Traffic of taking the likeliest token, for each logit"),
      of_file(&P::random_sampling, "random_sampling", kTraffic, kUncertain, kMayState,
              "Traffic of drawing a token at random, for each logit"),
      of_file(&P::top_p_sampling, "top_p_sampling", kTraffic, kUncertain, kMayState,
              "Traffic of drawing a token by top_p, for each logit"),
  };
}

std::vector<EngineKey> speeds() {
  return {
      setting(
          &P::backend, "backend", form::Word<DeviceInterface>{},
          "How kernels are started. native: by CUDA, ROCm or Metal, as the device's family says; "
          "vulkan: by Vulkan",
          kMayState),
      measured(&P::launch_factor, "launch_factor", kFactor,
               "Factor on the device family's time from kernel to kernel"),
      of_file(&P::moe_launch_factor, "moe_launch_factor", kFactor, Certainty::kUncertain, kMayState,
              "Factor on launches in layers with experts, besides launch_factor"),
      measured(&P::eager_factor, "eager_factor", kFactor,
               "Factor on the device family's eager factor, for launches outside of CUDA graphs"),
      measured(&P::gemm_factor, "gemm_factor", kFactor,
               "Factor on the device family's rate of all matrix products; 0.5 = half as fast",
               kMayState),
      measured(&P::expert_factor, "expert_factor", kFactor,
               "Factor on the device family's rate of expert kernels (grouped GEMMs), times "
               "gemm_factor"),
      measured(&P::step_time, "step_time", kHostTime, "Host time of a step"),
      measured(&P::sequence_time, "sequence_time", kHostTime,
               "Host time of a step for each of its sequences"),
      measured(&P::request_time, "request_time", kHostTime,
               "Time that every first token takes besides: HTTP, tokenizer, streaming"),
      setting(&P::overlaps_host, "overlaps_host", form::Flag{},
              "Whether the host prepares a step during the one before"),
      setting(&P::two_batch_overlap, "two_batch_overlap", form::Flag{},
              "Whether half a batch computes while the other half communicates", kMayState),
      setting(&P::shared_expert_overlap, "shared_expert_overlap", form::Flag{},
              "Whether shared experts compute while tokens travel to routed ones", kMayState),
      setting(
          &P::all_reduce_overlap, "all_reduce_overlap", form::Flag{},
          "Whether all-reduces over TP, cut into pieces, overlap with the matrices on both sides",
          kMayState),
      setting(&P::cuda_graphs, "cuda_graphs", form::Flag{},
              "Whether decode steps are launched as graphs", kMayState),
      setting(
          &P::largest_graph, "largest_graph", form::Whole{1, kMostTokens},
          "Tokens of a rank in the largest graph; decode steps with more are launched one kernel "
          "at a time",
          kMayState),
  };
}

}  // namespace

bool EngineKey::is_number() const {
  const form::Any& form = row.key.facts.form;
  return !std::holds_alternative<form::Flag>(form) && !std::holds_alternative<form::Words>(form);
}

const std::vector<EngineKey>& engine_keys() {
  static const std::vector<EngineKey> keys = [] {
    std::vector<EngineKey> all;
    for (auto& part : {limits(), file_only(), speeds()}) {
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }();
  return keys;
}

const ProfileKeys<Evidence>& evidence_keys() {
  static const ProfileKeys<Evidence> keys = {
      uncertain(Enters::kTime,
                key(&Evidence::older, "older", kFactor, kRequired,
                    "Factor on the times of releases before those that were measured")),
      uncertain(Enters::kTime, key(&Evidence::newer, "newer", kFactor, kRequired,
                                   "The same of releases after them"))};
  return keys;
}

const Keys<ServingPolicy>& serving_keys() {
  static const Keys<ServingPolicy> keys = [] {
    Keys<ServingPolicy> common;
    for (const EngineKey& one : engine_keys()) {
      if (one.in_scenarios) common.push_back(one.row.key);
    }
    return common;
  }();
  return keys;
}

}  // namespace moesim
