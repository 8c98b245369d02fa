// Continuous batching on one attention-DP rank: which sequences get tokens in the next step. The
// Batcher owns the queue, the running sequences and their KV blocks; a batching policy
// (batch_policy.h) only decides in which order decodes and prompts are added to a step.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "models/memory/memory_ledger.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"
#include "sim/results/records.h"
#include "sim/serving/kv_pool.h"
#include "sim/step/step_batch.h"

namespace moesim {

// A request that must start again from its prompt, because the replica that held its KV cache
// failed.
struct Interrupted {
  Request request;
  Seconds arrival;
  Seconds first_token{};       // If it got one.
  std::int64_t delivered = 0;  // Output tokens that the client has already.
  std::int64_t highest = 0;    // Most tokens that were ever cached for it.
};

// A prompt with its first token, whose KV cache must move to a decode replica.
struct Prefilled {
  std::int64_t replica = 0, dp_rank = 0;  // Of the prefill pool.
  std::int32_t slot = 0;                  // Of the batcher there.
  Request request;
  Seconds arrival;
  Seconds first_token;
  Seconds ready = Seconds(0);  // Date at which its cache was complete; later if it started again.
  std::int64_t delivered = 1, highest = 0;  // As in Interrupted.
};

// Requests that ended in a step or got their first token in it.
struct StepOutcome {
  std::vector<RequestTimes> completed;
  std::vector<Seconds> first_token_waits;  // From arrival to first token.
  std::vector<Prefilled> prefilled;        // Prefill replicas only.
};

// Tokens of all requests that a batcher accepted.
struct TokenCounts {
  std::int64_t input_done = 0, input_inside = 0;
  std::int64_t output_done = 0, output_inside = 0;
  std::int64_t recomputed = 0;

  TokenCounts& operator+=(const TokenCounts& other);
};

struct BatcherLimits {
  std::int64_t max_num_seqs = 256;
  std::int64_t max_batched_tokens = 8192;
  std::int64_t batches_in_flight = 1;  // Pipeline stages: running sequences are split over them.
  // Otherwise a step takes whole prompts only; a single prompt may exceed max_batched_tokens.
  bool chunked_prompts = true;
  // Steps between two admissions from the queue while any sequence runs.
  std::int64_t admission_interval = 1;
  // Share of a request's output whose blocks must be free before it is admitted.
  double reserved_output = 0;
  // A prefill replica: a sequence leaves with its first token; its blocks stay until release().
  bool hands_over = false;
};

class Batcher {
 public:
  // `windows`: the distinct attention windows of the model, 0 = whole context.
  Batcher(const BatchPolicy* policy, const BatcherLimits& limits, KvPool pool,
          std::vector<std::int64_t> windows);

  // Queues a request; false if the pool could never hold it (the caller counts it as rejected).
  // Requires: at least one input and one output token.
  bool submit(const Request& request, Seconds arrival);
  bool submit(const Interrupted& request);
  // Whether the pool, empty, could hold the request.
  bool can_hold(const Request& request) const;

  // Prefill replicas: the cache of a prompt has arrived at its decode replica; frees its blocks.
  void release(const Prefilled& prompt);
  // Decode replicas: reserves a slot and blocks for a prompt that will arrive. Returns the slot for
  // receive(), or nothing if there is no room or other requests wait for it.
  std::optional<std::int32_t> reserve(const Prefilled& prompt);
  // The cache has arrived; the sequence decodes from the next step on.
  void receive(std::int32_t slot);

  // All KV caches are lost and no step will end: every request inside goes back to the queue.
  void lose_caches();
  // Empties the queue and returns its requests. Requires: no sequence runs.
  std::vector<Interrupted> drain();
  // Prefill replicas: the cache of a prompt was lost before its release; it goes back to the queue.
  void take_back(const Prefilled& prompt);
  // Decode replicas: the prompt that this slot is reserved for will not arrive.
  void cancel(std::int32_t slot);

  // Chooses the tokens of the next step among sequences that are in no step now. No items: nothing
  // can run. Overwrites `step` and reuses its storage.
  void plan(RankStep& step);
  // Counts the tokens of a planned step; sequences that got their last token leave.
  void finish(const RankStep& step, Seconds now, StepOutcome& outcome);

  // For policies, inside plan(): each adds items to the step; returns whether it added any.
  bool add_decodes(RankStep& step);
  bool add_prompts(RankStep& step);

  bool idle() const { return waiting_.empty() && running_.empty(); }
  std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size()); }
  std::int64_t running() const { return static_cast<std::int64_t>(running_.size()); }
  // Tokens still to be computed for the requests inside.
  std::int64_t outstanding_tokens() const { return outstanding_; }
  std::int64_t preemptions() const { return preemptions_; }
  const KvPool& pool() const { return pool_; }
  TokenCounts token_counts() const;

 private:
  struct Sequence {
    Seconds arrival;
    Seconds first_token;
    std::int64_t input = 0;
    std::int64_t output = 0;
    std::int64_t generated = 0;
    std::int64_t delivered = 0;  // Output tokens that the client has; generated may fall below.
    std::int64_t cached = 0;     // Tokens in the KV cache.
    std::int64_t highest = 0;    // Most tokens ever cached; tokens below it are recomputed.
    std::int64_t blocks = 0;
    std::int64_t reserved = 0;  // Blocks that count for it while it runs, taken or not.
    bool in_step = false;
    bool present = false;

    // Tokens to cache before the next output token.
    std::int64_t target() const { return input + generated; }
    bool decoding() const { return generated > 0 && cached + 1 == target(); }
    // Its cache is lost; it starts again from the prompt.
    void restart() {
      cached = generated = blocks = reserved = 0;
      in_step = false;
    }
  };

  std::int32_t new_slot();
  std::int64_t reserved_blocks(const Sequence& sequence) const;
  bool fits_step(const Sequence& sequence, const RankStep& step) const;
  bool make_room(std::size_t position);
  void preempt(std::size_t position);
  void free_blocks(const Sequence& sequence);
  bool admit_next(const RankStep& step);
  bool find_blocks(Sequence& sequence);
  void hand_over(std::int32_t slot, Seconds now, StepOutcome& outcome);
  void add_decode(std::int32_t slot, RankStep& step);
  bool add_chunk(std::int32_t slot, RankStep& step);
  void count_tokens(Sequence& sequence, std::int64_t tokens);
  void emit_token(Sequence& sequence, Seconds now, StepOutcome& outcome);
  std::int64_t decode_share() const;

  const BatchPolicy* policy_;
  BatcherLimits limits_;
  KvPool pool_;
  std::vector<std::int64_t> windows_;
  std::vector<Sequence> slots_;
  std::vector<std::int32_t> free_slots_;
  std::deque<std::int32_t> waiting_;
  std::vector<std::int32_t> running_;  // In order of admission.
  std::int64_t outstanding_ = 0;
  std::int64_t steps_since_admission_ = 0;
  std::int64_t reserved_ = 0;  // Blocks, of all running sequences.
  std::int64_t preemptions_ = 0;
  std::int64_t arriving_ = 0;            // Sequences whose caches are on their way to this rank.
  std::int64_t handed_over_tokens_ = 0;  // Output tokens of sequences on their way from this rank.
  bool preempted_now_ = false;
  bool may_admit_ = true;  // In the step that is being planned.
  TokenCounts counts_;
};

}  // namespace moesim
