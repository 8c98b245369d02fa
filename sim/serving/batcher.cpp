#include "sim/serving/batcher.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "sim/deployment/request_fit.h"

namespace moesim {

TokenCounts& TokenCounts::operator+=(const TokenCounts& other) {
  input_done += other.input_done;
  input_inside += other.input_inside;
  output_done += other.output_done;
  output_inside += other.output_inside;
  recomputed += other.recomputed;
  return *this;
}

Batcher::Batcher(const BatchPolicy* policy, const BatcherLimits& limits, KvPool pool,
                 std::vector<std::int64_t> windows)
    : policy_(policy), limits_(limits), pool_(pool), windows_(std::move(windows)) {
  if (limits.max_num_seqs <= 0 || limits.max_batched_tokens <= 0 || limits.batches_in_flight <= 0 ||
      limits.admission_interval <= 0) {
    throw std::invalid_argument("batching limits must be positive");
  }
}

bool Batcher::submit(const Request& request, Seconds arrival) {
  return submit(Interrupted{.request = request, .arrival = arrival});
}

bool Batcher::submit(const Interrupted& interrupted) {
  const Request& request = interrupted.request;
  if (request.input_tokens <= 0 || request.output_tokens <= 0) {
    throw std::invalid_argument("a request needs at least one input and one output token");
  }
  if (!can_hold(request)) return false;
  const std::int32_t slot = new_slot();
  Sequence sequence;
  sequence.arrival = interrupted.arrival;
  sequence.first_token = interrupted.first_token;
  sequence.delivered = interrupted.delivered;
  sequence.highest = interrupted.highest;
  sequence.input = request.input_tokens;
  sequence.output = request.output_tokens;
  sequence.present = true;
  slots_[slot] = sequence;
  waiting_.push_back(slot);
  outstanding_ += request.input_tokens + (limits_.hands_over ? 1 : request.output_tokens);
  return true;
}

bool Batcher::can_hold(const Request& request) const {
  return pool_.blocks_for(kv_tokens(request, limits_.hands_over)) <= pool_.blocks();
}

std::int32_t Batcher::new_slot() {
  if (free_slots_.empty()) {
    slots_.emplace_back();
    return static_cast<std::int32_t>(slots_.size() - 1);
  }
  const std::int32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void Batcher::plan(RankStep& step) {
  step.items.clear();
  std::vector<AttentionLoad> attention = std::move(step.batch.attention);
  attention.assign(windows_.size(), AttentionLoad{});
  step.batch = RankBatch{};
  step.batch.attention = std::move(attention);
  preempted_now_ = false;
  may_admit_ = running_.empty() || ++steps_since_admission_ >= limits_.admission_interval;
  if (may_admit_) steps_since_admission_ = 0;
  policy_->plan(*this, step);
}

// With several batches in flight, each takes an even share of the decoding sequences, so that the
// pipeline stages get batches of equal size.
std::int64_t Batcher::decode_share() const {
  if (limits_.batches_in_flight == 1) return running();
  const auto decoding = std::count_if(running_.begin(), running_.end(), [this](std::int32_t slot) {
    return slots_[slot].decoding();
  });
  return (decoding + limits_.batches_in_flight - 1) / limits_.batches_in_flight;
}

bool Batcher::add_decodes(RankStep& step) {
  const std::int64_t most = std::min(decode_share(), limits_.max_batched_tokens);
  const std::size_t before = step.items.size();
  for (std::size_t i = 0; i < running_.size() && step.batch.decode_tokens < most; ++i) {
    const Sequence& sequence = slots_[running_[i]];
    if (sequence.in_step || !sequence.decoding()) continue;
    const std::int32_t slot = running_[i];
    if (!make_room(i)) continue;
    add_decode(slot, step);
  }
  return step.items.size() > before;
}

// Takes the blocks for one more token of the sequence at a position of running_, if it needs any.
// If too few are free, preempts the youngest sequences that are in no step; false if the sequence
// itself is the youngest of them.
bool Batcher::make_room(std::size_t position) {
  Sequence& sequence = slots_[running_[position]];
  const std::int64_t lacks = pool_.blocks_for(sequence.cached + 1) - sequence.blocks;
  if (lacks <= 0) return true;
  while (!pool_.allocate(lacks)) {
    std::size_t youngest = running_.size() - 1;
    while (slots_[running_[youngest]].in_step) --youngest;
    preempt(youngest);
    if (youngest == position) return false;
  }
  sequence.blocks += lacks;
  return true;
}

void Batcher::preempt(std::size_t position) {
  const std::int32_t slot = running_[position];
  Sequence& sequence = slots_[slot];
  free_blocks(sequence);
  sequence.blocks = sequence.reserved = 0;
  outstanding_ += sequence.cached;
  sequence.cached = 0;
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(position));
  waiting_.push_front(slot);
  ++preemptions_;
  preempted_now_ = true;
}

void Batcher::add_decode(std::int32_t slot, RankStep& step) {
  Sequence& sequence = slots_[slot];
  sequence.in_step = true;
  step.items.push_back({slot, 1});
  ++step.batch.decode_tokens;
  ++step.batch.sampled;
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    step.batch.attention[w].add_decode(sequence.cached + 1, windows_[w]);
  }
}

bool Batcher::add_prompts(RankStep& step) {
  const std::size_t before = step.items.size();
  for (const std::int32_t slot : running_) {
    const Sequence& sequence = slots_[slot];
    if (sequence.in_step || sequence.decoding()) continue;
    if (!add_chunk(slot, step)) break;
  }
  // A sequence preempted for lack of blocks must not return in the same step.
  while (!preempted_now_ && step.batch.tokens() < limits_.max_batched_tokens && admit_next(step)) {
    add_chunk(running_.back(), step);
  }
  return step.items.size() > before;
}

// Blocks of the prompt and of the share of the output that the engine reserves.
std::int64_t Batcher::reserved_blocks(const Sequence& sequence) const {
  const double output = limits_.reserved_output * static_cast<double>(sequence.output);
  return pool_.blocks_for(std::max(sequence.target() + 1,
                                   sequence.input + static_cast<std::int64_t>(std::ceil(output))));
}

// Without chunked prompts a prompt waits for a step with room for all of it; a prompt larger than
// any step runs alone.
bool Batcher::fits_step(const Sequence& sequence, const RankStep& step) const {
  if (limits_.chunked_prompts || step.batch.prefill_tokens == 0) return true;
  return sequence.target() <= limits_.max_batched_tokens - step.batch.tokens();
}

// Admits the first waiting request if the batch has a free slot and the pool has the blocks of its
// prompt and one more token, beside the blocks reserved for the running sequences.
bool Batcher::admit_next(const RankStep& step) {
  if (!may_admit_ || waiting_.empty()) return false;
  if (running() + arriving_ >= limits_.max_num_seqs) return false;
  Sequence& sequence = slots_[waiting_.front()];
  if (!fits_step(sequence, step) || !find_blocks(sequence)) return false;
  running_.push_back(waiting_.front());
  waiting_.pop_front();
  return true;
}

bool Batcher::find_blocks(Sequence& sequence) {
  const std::int64_t reserved = reserved_blocks(sequence);
  if (reserved_ > 0 && reserved_ + reserved > pool_.blocks()) return false;
  const std::int64_t blocks = pool_.blocks_for(sequence.target() + 1);
  if (!pool_.allocate(blocks)) return false;
  sequence.blocks = blocks;
  sequence.reserved = reserved;
  reserved_ += reserved;
  return true;
}

std::optional<std::int32_t> Batcher::reserve(const Prefilled& prompt) {
  if (!waiting_.empty() || running() + arriving_ >= limits_.max_num_seqs) return std::nullopt;
  Sequence sequence;
  sequence.arrival = prompt.arrival;
  sequence.first_token = prompt.first_token;
  sequence.input = prompt.request.input_tokens;
  sequence.output = prompt.request.output_tokens;
  sequence.generated = 1;
  sequence.delivered = prompt.delivered;
  sequence.cached = sequence.input;
  sequence.highest = std::max(sequence.input, prompt.highest);
  if (!find_blocks(sequence)) return std::nullopt;
  const std::int32_t slot = new_slot();
  slots_[slot] = sequence;
  outstanding_ += sequence.output;
  ++arriving_;
  return slot;
}

void Batcher::receive(std::int32_t slot) {
  slots_[slot].present = true;
  running_.push_back(slot);
  --arriving_;
}

void Batcher::free_blocks(const Sequence& sequence) {
  pool_.release(sequence.blocks);
  reserved_ -= sequence.reserved;
}

void Batcher::lose_caches() {
  waiting_.insert(waiting_.begin(), running_.begin(), running_.end());
  running_.clear();
  for (const std::int32_t slot : waiting_) {
    Sequence& sequence = slots_[slot];
    free_blocks(sequence);
    outstanding_ += sequence.cached;
    sequence.restart();
  }
}

std::vector<Interrupted> Batcher::drain() {
  std::vector<Interrupted> requests;
  for (const std::int32_t slot : waiting_) {
    Sequence& sequence = slots_[slot];
    requests.push_back({.request = {sequence.arrival, sequence.input, sequence.output},
                        .arrival = sequence.arrival,
                        .first_token = sequence.first_token,
                        .delivered = sequence.delivered,
                        .highest = sequence.highest});
    outstanding_ -= sequence.input + (limits_.hands_over ? 1 : sequence.output);
    sequence.present = false;
    free_slots_.push_back(slot);
  }
  waiting_.clear();
  return requests;
}

void Batcher::take_back(const Prefilled& prompt) {
  Sequence& sequence = slots_[prompt.slot];
  free_blocks(sequence);
  handed_over_tokens_ -= sequence.output - sequence.delivered;
  sequence.restart();
  sequence.present = true;
  outstanding_ += sequence.input + 1;
  waiting_.push_back(prompt.slot);
}

void Batcher::cancel(std::int32_t slot) {
  const Sequence& sequence = slots_[slot];
  free_blocks(sequence);
  outstanding_ -= sequence.output;
  --arriving_;
  free_slots_.push_back(slot);
}

bool Batcher::add_chunk(std::int32_t slot, RankStep& step) {
  Sequence& sequence = slots_[slot];
  const std::int64_t wanted = sequence.target() - sequence.cached;
  const std::int64_t room = limits_.max_batched_tokens - step.batch.tokens();
  const std::int64_t tokens = limits_.chunked_prompts ? std::min(room, wanted) : wanted;
  if (tokens <= 0) return false;
  sequence.in_step = true;
  step.items.push_back({slot, static_cast<std::int32_t>(tokens)});
  step.batch.prefill_tokens += tokens;
  if (sequence.cached + tokens == sequence.target()) ++step.batch.sampled;
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    step.batch.attention[w].add_prefill(sequence.cached, tokens, windows_[w]);
  }
  return true;
}

void Batcher::finish(const RankStep& step, Seconds now, StepOutcome& outcome) {
  bool left = false;
  for (const StepItem& item : step.items) {
    Sequence& sequence = slots_[item.slot];
    sequence.in_step = false;
    count_tokens(sequence, item.tokens);
    if (sequence.cached < sequence.target()) continue;
    emit_token(sequence, now, outcome);
    if (sequence.generated < sequence.output) {
      if (!limits_.hands_over) continue;
      hand_over(item.slot, now, outcome);
    } else {
      free_blocks(sequence);
      free_slots_.push_back(item.slot);
    }
    sequence.present = false;
    left = true;
  }
  if (!left) return;
  std::erase_if(running_, [this](std::int32_t slot) { return !slots_[slot].present; });
}

void Batcher::hand_over(std::int32_t slot, Seconds now, StepOutcome& outcome) {
  const Sequence& sequence = slots_[slot];
  handed_over_tokens_ += sequence.output - sequence.delivered;
  --outstanding_;
  outcome.prefilled.push_back({.slot = slot,
                               .request = {sequence.arrival, sequence.input, sequence.output},
                               .arrival = sequence.arrival,
                               .first_token = sequence.first_token,
                               .ready = now,
                               .delivered = sequence.delivered,
                               .highest = sequence.highest});
}

void Batcher::release(const Prefilled& prompt) {
  const Sequence& sequence = slots_[prompt.slot];
  free_blocks(sequence);
  handed_over_tokens_ -= sequence.output - sequence.delivered;
  free_slots_.push_back(prompt.slot);
}

void Batcher::count_tokens(Sequence& sequence, std::int64_t tokens) {
  sequence.cached += tokens;
  outstanding_ -= tokens;
  const std::int64_t fresh = std::max<std::int64_t>(0, sequence.cached - sequence.highest);
  counts_.recomputed += tokens - fresh;
  counts_.input_done += std::max<std::int64_t>(
      0, std::min(sequence.cached, sequence.input) - std::min(sequence.highest, sequence.input));
  sequence.highest = std::max(sequence.highest, sequence.cached);
}

void Batcher::emit_token(Sequence& sequence, Seconds now, StepOutcome& outcome) {
  ++sequence.generated;
  if (sequence.generated > sequence.delivered) {
    ++sequence.delivered;
    ++counts_.output_done;
    if (sequence.delivered == 1) {
      sequence.first_token = now;
      outcome.first_token_waits.push_back(now - sequence.arrival);
    }
  }
  if (sequence.generated < sequence.output) return;
  --outstanding_;
  outcome.completed.push_back({sequence.arrival, sequence.first_token, now, sequence.output});
}

TokenCounts Batcher::token_counts() const {
  TokenCounts counts = counts_;
  counts.output_inside = handed_over_tokens_;
  for (const Sequence& sequence : slots_) {
    if (!sequence.present) continue;
    counts.input_inside += sequence.input - std::min(sequence.highest, sequence.input);
    counts.output_inside += sequence.output - sequence.delivered;
  }
  return counts;
}

}  // namespace moesim
