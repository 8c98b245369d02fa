// Continuous batching on one attention-DP rank: which sequences get tokens in the next step. The
// Batcher guards the queue, the running sequences and their KV blocks; a policy (policies/) only
// decides in which order decodes and prompts are asked for.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "models/memory/memory_ledger.h"
#include "models/work/layer_work.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"
#include "sim/serving/kv_pool.h"

namespace moesim {

// What one step asks of the kernels of one attention-DP rank.
struct RankBatch {
  std::int64_t decode_tokens = 0;        // One per decoding sequence.
  std::int64_t prefill_tokens = 0;       // Prompt tokens, recomputed ones included.
  std::int64_t sampled = 0;              // Sequences that get an output token.
  std::vector<AttentionLoad> attention;  // [window class]

  std::int64_t tokens() const { return decode_tokens + prefill_tokens; }
};

// A sequence's share of a step.
struct StepItem {
  std::int32_t slot = 0;
  std::int32_t tokens = 0;
};

struct RankStep {
  std::vector<StepItem> items;
  RankBatch batch;
};

// A request that got its last token, or its first.
struct RequestTimes {
  Seconds arrival;
  Seconds first_token;
  Seconds last_token;
  std::int64_t output_tokens = 0;
};

// A request that has to start again from its prompt, because the replica that held its cache
// failed.
struct Interrupted {
  Request request;
  Seconds arrival;
  Seconds first_token{};       // If it got any.
  std::int64_t delivered = 0;  // Output tokens that it has seen already,
  std::int64_t highest = 0;    // and the most tokens ever cached for it.
};

// A prompt with its first token, whose KV cache has to move to a decode worker.
struct Prefilled {
  std::int64_t replica = 0, dp_rank = 0;  // Where it lies,
  std::int32_t slot = 0;                  // and in which slot of the batcher there.
  Request request;
  Seconds arrival;
  Seconds first_token;
  Seconds ready = Seconds(0);               // When its cache was: later if it started again.
  std::int64_t delivered = 1, highest = 0;  // As in Interrupted.
};

// What ended in a step, and how many requests got their first token when.
struct StepOutcome {
  std::vector<RequestTimes> completed;
  std::vector<Seconds> first_token_waits;  // Arrival to first token.
  std::vector<Prefilled> prefilled;        // Of a prefill worker.
};

// Tokens of the requests that a batcher took in.
struct TokenCounts {
  std::int64_t input_done = 0, input_inside = 0;
  std::int64_t output_done = 0, output_inside = 0;
  std::int64_t recomputed = 0;
};

struct BatcherLimits {
  std::int64_t max_num_seqs = 256;
  std::int64_t max_batched_tokens = 8192;
  std::int64_t batches_in_flight = 1;   // Pipeline stages: running sequences are split over them.
  bool chunked_prompts = true;          // Else a step takes whole prompts only; a lone one may be
                                        // longer than max_batched_tokens.
  std::int64_t admission_interval = 1;  // Steps between two looks at the queue while any runs.
  double reserved_output = 0;  // Share of its output that must find room before it is admitted.
  bool hands_over = false;     // A prefill worker: a sequence leaves with its first token, but its
                               // blocks stay until release().
};

class Batcher {
 public:
  // `windows`: the distinct attention windows of the model, 0 = whole context.
  Batcher(BatchPolicy policy, const BatcherLimits& limits, KvPool pool,
          std::vector<std::int64_t> windows);

  // Queues a request; false if it can never fit into the pool (the caller counts it as rejected).
  // Requires: at least one input and one output token.
  bool submit(const Request& request, Seconds arrival);
  bool submit(const Interrupted& request);
  // Whether the pool could ever hold what it must of a request.
  bool can_hold(const Request& request) const;

  // Prefill workers: the cache of a prompt has arrived where it decodes.
  void release(const Prefilled& prompt);
  // Decode workers: takes a seat and blocks for a prompt that is to arrive; the slot for receive(),
  // or nothing where room lacks or others wait for it.
  std::optional<std::int32_t> reserve(const Prefilled& prompt);
  // Its cache is there: it decodes from the next step on.
  void receive(std::int32_t slot);

  // All KV caches here are lost, and no step will end: every request inside waits to start again.
  void lose_caches();
  // Hands out the requests that wait. Requires: none runs.
  std::vector<Interrupted> give_away();
  // Prefill workers: the cache of a prompt is lost before it was released; it waits to start again.
  void take_back(const Prefilled& prompt);
  // Decode workers: the prompt that this slot is reserved for will not come.
  void cancel(std::int32_t slot);

  // Chooses the tokens of the next step among sequences that are in no step now. Empty items:
  // nothing can run. `step` is overwritten (its storage is reused).
  void plan(RankStep& step);
  // Books the tokens of a planned step; sequences that got their last token leave.
  void finish(const RankStep& step, Seconds now, StepOutcome& outcome);

  // For policies, inside plan(): each adds items to the step and returns whether it added any.
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
    std::int64_t delivered = 0;  // Most tokens ever generated.
    std::int64_t cached = 0;     // Tokens in the KV cache.
    std::int64_t highest = 0;    // Most tokens ever cached; below it, work is repeated.
    std::int64_t blocks = 0;
    std::int64_t reserved = 0;  // Blocks promised while it runs.
    bool in_step = false;
    bool present = false;

    // Tokens to cache before the next output token.
    std::int64_t target() const { return input + generated; }
    bool decoding() const { return generated > 0 && cached + 1 == target(); }
    // Without its cache, back to the prompt.
    void restart() {
      cached = generated = blocks = reserved = 0;
      in_step = false;
    }
  };

  std::int32_t new_slot();
  std::int64_t promised_blocks(const Sequence& sequence) const;
  bool fits_step(const Sequence& sequence, const RankStep& step) const;
  bool make_room(std::size_t position);
  void preempt(std::size_t position);
  void free_blocks(const Sequence& sequence);
  bool admit_next(const RankStep& step);
  bool find_blocks(Sequence& sequence);
  void hand_over(std::int32_t slot, Seconds now, StepOutcome& outcome);
  void add_decode(std::int32_t slot, RankStep& step);
  bool add_chunk(std::int32_t slot, RankStep& step);
  void book_tokens(Sequence& sequence, std::int64_t tokens);
  void emit_token(Sequence& sequence, Seconds now, StepOutcome& outcome);
  std::int64_t decode_share() const;

  BatchPolicy policy_;
  BatcherLimits limits_;
  KvPool pool_;
  std::vector<std::int64_t> windows_;
  std::vector<Sequence> slots_;
  std::vector<std::int32_t> free_slots_;
  std::deque<std::int32_t> waiting_;
  std::vector<std::int32_t> running_;  // In order of admission.
  std::int64_t outstanding_ = 0;
  std::int64_t steps_since_look_ = 0;
  std::int64_t promised_ = 0;  // Blocks, of all running sequences.
  std::int64_t preemptions_ = 0;
  std::int64_t arriving_ = 0;            // Seats reserved for sequences on their way here.
  std::int64_t handed_over_tokens_ = 0;  // Output tokens that left with sequences on their way.
  bool preempted_now_ = false;
  bool may_admit_ = true;  // In the step that is being planned.
  TokenCounts counts_;
};

}  // namespace moesim
