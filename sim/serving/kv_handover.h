// The way of a prompt from the prefill pool to the decode pool: it waits for a seat and blocks on a
// decode worker, then its KV cache travels there over ports that other traffic may share. Both
// workers hold its blocks meanwhile.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "sim/serving/replica.h"

namespace moesim {

// Cache that one rank of a decode worker takes from one rank of a prefill worker.
struct KvPiece {
  std::int64_t from = 0,
               to = 0;  // Ranks of a worker, counted over its stages; attention-DP rank 0.
  LayerRange layers;    // Held by both.
  double share = 1;     // Of what the receiver keeps of these layers.
};

// All pieces of one sequence. A receiver asks the ranks whose heads overlap its own; where heads
// or latents are replicated, the copies share the work evenly.
std::vector<KvPiece> kv_pieces(const ParallelPlan& prefill, const ParallelPlan& decode,
                               std::int64_t num_layers);

class KvHandover {
 public:
  // The replicas of the two pools and what each pool's replicas share; keeps references to all.
  KvHandover(const Replica::Surroundings& prefill, std::deque<Replica>& senders,
             const Replica::Surroundings& decode, std::deque<Replica>& receivers);

  // Prompts that have just got their first tokens.
  void offer(const std::vector<Prefilled>& prompts);
  // Sends off, first come first served, those that decode workers have room for; to be called
  // whenever room may have come free.
  void send_off();
  // Prompts between the pools: waiting for room or on their way.
  std::int64_t inside() const {
    return static_cast<std::int64_t>(waiting_.size() + travelling_.size());
  }
  // A worker fails, and both ends of a transfer see at once that the other is gone: a sender's
  // prompts wait there to start again; those for a receiver wait for room elsewhere.
  void lose_sender(std::int64_t replica);
  void lose_receiver(std::int64_t replica);
  // Hands out the prompts that wait for room; their senders still hold their blocks.
  std::vector<Prefilled> withdraw();

 private:
  struct Seat {
    Replica* replica = nullptr;
    Batcher* batcher = nullptr;
    std::int64_t index = 0, dp_rank = 0;
    std::int32_t slot = 0;
  };
  struct Journey {
    Prefilled prompt;
    Seat seat;
    std::int64_t flows = 0;
    bool is_lost = false;
  };

  Batcher& batcher_of(const Prefilled& prompt);
  bool find_seat(const Prefilled& prompt, Seat& seat);
  void send(const Prefilled& prompt, const Seat& seat);
  void arrive(const std::shared_ptr<Journey>& journey);

  const Replica::Surroundings& prefill_;
  const Replica::Surroundings& decode_;
  std::deque<Replica>& senders_;
  std::deque<Replica>& receivers_;
  std::vector<KvPiece> pieces_;
  std::deque<Prefilled> waiting_;
  std::vector<std::shared_ptr<Journey>> travelling_;  // In order of their begin.
};

}  // namespace moesim
