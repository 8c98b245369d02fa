#include "scenarios/format/schema/schema_parts.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/all_reduce.h"
#include "sim/deployment/serving_policy.h"

namespace moesim::schema {
namespace {

// The engine's own numbers lie in sim/engines/*.yaml, by range of releases.
Json of_engine(const Json& schema) {
  return by_default_as("the engine's", schema);
}

Json factor(const std::string& meaning) {
  return of_engine(number(0.01, 100, meaning));
}

Json time(const std::string& meaning) {
  return of_engine(quantity(Dimension::kTime, meaning + ", up to 60 s", true));
}

std::vector<Key> limits() {
  return {
      {"memory_utilization",
       of_engine(number(0.1, 1, "Share of a device's memory that the engine may use"))},
      {"max_num_seqs", of_engine(whole_number(1, 65'536,
                                              "Sequences in a batch at most, of each copy of "
                                              "attention"))},
      {"max_batched_tokens",
       of_engine(whole_number(1, 1 << 20, "Tokens of a step at most, of each copy of attention"))},
      {"kv_block_tokens", of_engine(whole_number(1, 4096, "Tokens of a block of the KV cache"))},
      {"batching",
       of_engine(word<const BatchPolicy*>("Whether a step mixes prompts with decoding, or prompts "
                                          "go first in steps of their own"))},
      {"chunked_prompts", of_engine(flag("Whether long prompts are cut into chunks"))},
      {"reserved_output",
       of_engine(number(0, 1, "Share of a request's answer that must fit before it is admitted"))},
      {"admission_interval",
       of_engine(whole_number(1, 10'000, "Steps between two admissions of new requests"))},
  };
}

std::vector<Key> speeds() {
  return {
      {"launch_factor", factor("Factor on the device family's time from kernel to kernel")},
      {"eager_factor",
       factor("Factor on the device family's eager factor, for launches outside of CUDA graphs")},
      {"expert_factor", factor("Factor on the time of expert kernels")},
      {"step_time", time("Host time of a step")},
      {"sequence_time", time("Host time of a step for each of its sequences")},
      {"request_time",
       time("Time that every first token takes besides: HTTP, tokenizer, streaming")},
      {"overlaps_host", of_engine(flag("Whether the host prepares a step during the one before"))},
      {"two_batch_overlap",
       of_engine(flag("Whether half a batch computes while the other half communicates"))},
      {"shared_expert_overlap",
       of_engine(flag("Whether shared experts compute while tokens travel to routed ones"))},
      {"all_reduce_overlap", of_engine(flag("Whether all-reduces overlap with computing"))},
      {"cuda_graphs", of_engine(flag("Whether decode steps are launched as graphs"))},
      {"sampling",
       by_default("greedy", word<Sampling>("How a token is drawn from the logits: work of "
                                           "its own for random and top_p"))},
      {"all_reduce",
       by_default("auto", word<AllReduce>(
                              "How partial sums over TP ranks are added up: by one algorithm of "
                              "the library (ring, tree, nvls, nvls_tree) or of the engine "
                              "(one_shot, two_shot); auto is the fastest for the bytes at hand"))},
      {"dispatch",
       by_default("auto", word<DispatchPolicy>(
                              "How tokens travel to their experts: low_latency or normal as "
                              "DeepEP's kernels of that name, all_gather to every rank, or a plain "
                              "all_to_all; auto is low_latency in steps that only decode, else "
                              "normal"))},
      {"combine",
       by_default("bf16", word<CombineFormat>("Format in which experts' results travel back"))},
  };
}

}  // namespace

Json engine() {
  const Json name = by_default_as(
      "vllm, newest release",
      name_or_path(engine_names(),
                   "A serving engine, with a release or month behind it (vllm 0.8.5, vllm "
                   "2025-04) or its newest, or a file like sim/engines/vllm.yaml"));
  std::vector<Key> keys = {{"name", name}};
  for (const auto& part : {limits(), speeds()}) keys.insert(keys.end(), part.begin(), part.end());
  return by_default_as("vllm, newest release",
                       either({name, map_of("Serving engine with numbers of your own", keys)},
                              "Serving engine: a name, or a map of what differs from one"));
}

}  // namespace moesim::schema
