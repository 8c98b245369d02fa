#include "scenarios/format/keys/engine_keys.h"

#include "sim/deployment/engine_keys.h"

namespace moesim {
namespace {

constexpr const char* kNewest = "vllm, newest measured release";

form::Name name() {
  return {engine_names, "an engine, e.g. vllm or vllm 0.8"};
}

}  // namespace

KeyFacts engine_name_key() {
  return key(
      "name", name(), otherwise(kNewest),
      "A serving engine, with a release or month behind it (vllm 0.8.5, vllm 2025-04) or its "
      "newest, or a file like sim/engines/vllm.yaml");
}

const Keys<Deployment>& engine_choice_keys() {
  using D = Deployment;
  static const Keys<D> keys = {
      key(&D::sampling, "sampling", form::Word<Sampling>{}, kAsBuilt,
          "How a token is drawn from the logits: work of its own for random and top_p"),
      key(&D::all_reduce, "all_reduce", form::Word<AllReduce>{}, kAsBuilt,
          "How partial sums over TP ranks are added up: by one algorithm of the library (ring, "
          "tree, nvls, nvls_tree) or of the engine (one_shot, two_shot); auto is the fastest for "
          "the bytes at hand"),
      key(&D::dispatch, "dispatch", form::Word<DispatchPolicy>{}, kAsBuilt,
          "How tokens travel to their experts: low_latency or normal as DeepEP's kernels of that "
          "name, all_gather to every rank, or a plain all_to_all; auto is low_latency in steps "
          "that "
          "only decode, else normal"),
      key(&D::combine, "combine", form::Word<CombineFormat>{}, kAsBuilt,
          "Format in which experts' results travel back"),
  };
  return keys;
}

form::Map engine_map() {
  std::vector<KeyFacts> keys = {engine_name_key()};
  for (const KeyFacts& facts : facts_of(serving_keys())) keys.push_back(facts);
  for (const KeyFacts& facts : facts_of(engine_choice_keys())) keys.push_back(facts);
  return {keys, "{name: vllm 0.8, max_num_seqs: 256}"};
}

KeyFacts engine_key() {
  const form::Part by_name{name(), engine_name_key().meaning};
  const form::Part own{engine_map(), "Serving engine with numbers of your own"};
  return key("engine", form::Either{{by_name, own}, name().allowed}, otherwise(kNewest),
             "Serving engine: a name, or a map of what differs from one");
}

}  // namespace moesim
