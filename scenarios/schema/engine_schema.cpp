#include "scenarios/router_names.h"
#include "scenarios/schema/schema_parts.h"
#include "sim/serving_policy.h"

namespace moesim::schema {
namespace {

Json factor(const std::string& meaning) {
  return number(0.01, 100, meaning);
}

Json time(const std::string& meaning) {
  return quantity(Dimension::kTime, meaning + ", up to 60 s", true);
}

}  // namespace

Json engine() {
  const Json name =
      name_or_path(engine_names(),
                   "A serving engine, with a release or month behind it (vllm 0.8.5, vllm "
                   "2025-04), or a file like sim/engines/vllm.yaml");
  const Json numbers = map_of({
      {"name", name},
      {"memory_utilization", number(0.1, 1, "Share of a device's memory that the engine may use")},
      {"max_num_seqs", whole_number(1, 65'536, "Sequences in a batch at most")},
      {"max_batched_tokens", whole_number(1, 1 << 20, "Tokens of a step at most")},
      {"kv_block_tokens", whole_number(1, 4096, "Tokens of a block of the KV cache")},
      {"batching", word(names::kBatching, "Prompts mixed with decoding, or before it")},
      {"chunked_prompts", flag("Whether long prompts are cut into chunks")},
      {"reserved_output",
       number(0, 1, "Share of a request's answer that must fit before it is admitted")},
      {"admission_interval", whole_number(1, 10'000, "Steps between two admissions")},
      {"launch_factor", factor("On the time to launch a kernel")},
      {"eager_factor", factor("On the time of launches without graphs")},
      {"expert_factor", factor("On the time of expert kernels")},
      {"step_time", time("Host time of a step")},
      {"sequence_time", time("Host time of a step for each of its sequences")},
      {"request_time", time("Host time of a request")},
      {"overlaps_host", flag("Whether the host prepares a step during the one before")},
      {"two_batch_overlap", flag("Whether half a batch computes while the other communicates")},
      {"shared_expert_overlap", flag("Whether shared experts compute during dispatch")},
      {"all_reduce_overlap", flag("Whether all-reduces overlap with computing")},
      {"cuda_graphs", flag("Whether decode steps are launched as graphs")},
      {"sampling", word(names::kSampling, "How a token is drawn, which costs time")},
      {"dispatch", word(names::kDispatch, "How tokens travel to their experts")},
      {"combine", word(names::kCombine, "Format in which experts' results travel back")},
  });
  return either({name, numbers}, "Serving engine (vllm), or what differs from one");
}

}  // namespace moesim::schema
