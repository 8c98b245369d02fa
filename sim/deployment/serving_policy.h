// What a serving engine adds to the kernels: its limits, its memory and its times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hardware/spec/device.h"
#include "models/memory/memory_ledger.h"
#include "models/work/sampling.h"
#include "sim/deployment/batch_policy.h"

namespace moesim {

// How an engine reaches the device.
enum class DeviceInterface {
  kNative,  // The back end of the device's family: CUDA, ROCm or Metal.
  kVulkan,
};
template <>
inline constexpr auto kWords<DeviceInterface> = enum_words<DeviceInterface>({
    {DeviceInterface::kNative, "native"},
    {DeviceInterface::kVulkan, "vulkan"},
});

struct ServingPolicy {
  std::string engine = "vllm";  // As the scenario names it, by name or path.
  std::string release;          // First release of the range, or the one that was asked for where
                                // either was not measured; empty = no profile.
  std::string caution;          // Says that the release was not measured; empty if it was.
  const BatchPolicy* batching = &batch_policies().front();
  bool chunked_prompts = true;  // Else a step takes whole prompts only.
  // Share of its output for which a request must find room in the cache before it is admitted; what
  // it turns out to lack later is won by preemption.
  double reserved_output = 0;
  std::int64_t admission_interval = 1;  // Steps between two looks at the queue while any runs.
  EngineMemoryRules memory;
  DeviceInterface backend = DeviceInterface::kNative;
  double launch_factor = 1;  // Kernel-to-kernel cost relative to the device family's.
  // The same of layers with experts, on top: routing, quantisation and sorting of rows in kernels
  // of their own.
  double moe_launch_factor = 1;
  double eager_factor = 1;   // Outside CUDA graphs, times the family's eager factor.
  double gemm_factor = 1;    // Rate of its matrix products relative to the device family's.
  double expert_factor = 1;  // Rate of its grouped expert GEMMs relative to the device family's.
  bool cuda_graphs = true;   // Else decode steps are launched eagerly too,
  std::int64_t largest_graph = 1 << 20;  // as those with more tokens on a rank than this.
  // Rows to which contiguous expert kernels for 8-bit block scales pad each expert that has rows;
  // 0 = padding costs no time of its own. They run from so many tokens on.
  std::int64_t expert_alignment = 0;
  // Traffic of drawing a token, in bytes per logit at the speed of streaming. A file that does not
  // say: cast to fp32 (6), softmax (8), choice (4).
  double greedy_sampling = 18;
  double random_sampling = 18;
  double top_p_sampling = 18;
  Seconds step_time;      // Host time per engine step,
  Seconds sequence_time;  // and per running sequence and step (scheduler, sampler, detokenizer).
  bool overlaps_host = false;  // The host prepares a step while the device runs the one before.
  // Steps are cut into two halves of which one travels while the other is worked on.
  bool two_batch_overlap = false;
  bool shared_expert_overlap = false;  // They run beside the dispatch of the routed tokens.
  bool all_reduce_overlap = false;     // Cut into pieces, beside the multiplications on both sides.
  // SMs that move the data of a dispatch while others work (normal mode; low latency needs none).
  double dispatch_sms = 20;
  Seconds request_time;  // Added to TTFT: HTTP, tokenizer, streaming.
  // Limits on devices with less memory than `large_device`; serving_policy() has applied them.
  Bytes large_device;
  std::int64_t small_max_num_seqs = 1;
  std::int64_t small_max_batched_tokens = 1;
  std::vector<Fact> facts;

  // Forgets the fact about a number that somebody else has set, also as it is on small devices.
  void forget(const std::string& key);
};

// Bytes that drawing a token moves for each logit.
double sampling_bytes(const ServingPolicy& policy, Sampling sampling);

}  // namespace moesim
