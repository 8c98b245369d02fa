// What a serving engine adds to the kernels, by engine and range of releases. Read from data files
// (sim/engines/NAME.yaml, or a user's own) in which every number has a source and a confidence.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hardware/spec/device.h"
#include "hardware/spec/variation.h"
#include "models/memory/memory_ledger.h"
#include "models/work/sampling.h"
#include "sim/deployment/batch_policy.h"

namespace moesim {

struct ServingPolicy {
  std::string engine = "vllm";  // As the scenario names it, by name or path.
  std::string release;          // First release of the range; empty = no profile.
  const BatchPolicy* batching = &batch_policies().front();
  bool chunked_prompts = true;  // Else a step takes whole prompts only.
  // Share of its output for which a request must find room in the cache before it is admitted; what
  // it turns out to lack later is won by preemption.
  double reserved_output = 0;
  std::int64_t admission_interval = 1;  // Steps between two looks at the queue while any runs.
  EngineMemoryRules memory;
  double launch_factor = 1;  // Kernel-to-kernel cost relative to the device family's.
  double eager_factor = 1;   // Outside CUDA graphs, times the family's eager factor.
  double expert_factor = 1;  // Rate of its grouped expert GEMMs relative to the device family's.
  bool cuda_graphs = true;   // Else decode steps are launched eagerly too.
  // Rows to which the expert kernels for 8-bit block scales pad each expert of a rank, hit or not;
  // 0 = padding costs no time of its own.
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

// One range of releases: from this one up to the next range.
struct ServingRelease {
  std::string from;   // "0.8"
  std::string since;  // Month of its first release, "2025-03".
  ServingPolicy policy;
};

struct EngineProfile {
  std::string name;
  std::vector<ServingRelease> releases;  // Oldest first; never empty.
};

// Shipped engines, by name.
std::vector<std::string> engine_names();

// An engine as a scenario names it: a shipped name or a path, then, after a space, a release
// ("0.8.5", or a month such as "2025-04"). Without a release the newest range is meant.
struct EngineWords {
  std::string engine;
  std::string release;
};
EngineWords engine_words(const std::string& text);

// Throws: InputError with every fault of the file, or with the shipped names if there is none.
EngineProfile load_engine(const std::string& name_or_path, const Variation& variation = {});

// The range that a release or month falls into; empty = the newest. Throws: InputError that names
// the ranges.
const ServingRelease& release_of(const EngineProfile& engine, const std::string& release);

// The range's policy on a device of that much memory.
ServingPolicy serving_policy(const ServingRelease& release, Bytes device_memory);

// The same by words, e.g. "vllm 0.8".
ServingPolicy serving_policy(const std::string& engine, Bytes device_memory);

}  // namespace moesim
