// The transfer of prompts from the prefill pool to the decode pool: a prompt waits for a slot and
// blocks on a decode replica, then its KV cache is sent there over ports that other traffic may
// share. Until it has arrived both replicas hold its blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "sim/serving/replica.h"

namespace moesim {

// The cache that one rank of a decode replica gets from one rank of a prefill replica.
struct KvPiece {
  // Ranks of the two replicas, counted over their stages, for attention-DP rank 0.
  std::int64_t from = 0, to = 0;
  LayerRange layers;  // Held by both.
  double share = 1;   // Of the bytes that the receiver keeps of these layers.
};

// All pieces of one sequence. A receiver gets them from the ranks whose heads overlap its own;
// where heads or latents are replicated, the copies send even parts.
std::vector<KvPiece> kv_pieces(const ParallelPlan& prefill, const ParallelPlan& decode,
                               std::int64_t num_layers);

class KvHandover {
 public:
  // The replicas of the two pools with their contexts. Keeps references to all.
  KvHandover(const Replica::Context& prefill, std::deque<Replica>& senders,
             const Replica::Context& decode, std::deque<Replica>& receivers);

  // Queues prompts that have just got their first tokens.
  void offer(const std::vector<Prefilled>& prompts);
  // Sends prompts for which a decode replica has room, first come first served. Call whenever room
  // may have become free.
  void send_off();
  // Prompts between the pools: waiting for room or being sent.
  std::int64_t inside() const {
    return static_cast<std::int64_t>(waiting_.size() + transfers_.size());
  }
  // A replica fails, and both ends of a transfer notice at once: the prompts of a failed sender go
  // back to its queue; those for a failed receiver wait for room elsewhere.
  void lose_sender(std::int64_t replica);
  void lose_receiver(std::int64_t replica);
  // Removes and returns the prompts that wait for room; their senders still hold their blocks.
  std::vector<Prefilled> withdraw();

 private:
  // A slot reserved on a decode replica.
  struct Destination {
    Replica* replica = nullptr;
    Batcher* batcher = nullptr;
    std::int64_t index = 0, dp_rank = 0;
    std::int32_t slot = 0;  // Of the batcher.
  };
  struct Transfer {
    Prefilled prompt;
    Destination destination;
    std::int64_t flows = 0;
    bool is_lost = false;
  };

  Batcher& batcher_of(const Prefilled& prompt);
  std::optional<Destination> reserve(const Prefilled& prompt);
  void send(const Prefilled& prompt, const Destination& destination);
  void arrive(const std::shared_ptr<Transfer>& transfer);

  const Replica::Context& prefill_;
  const Replica::Context& decode_;
  std::deque<Replica>& senders_;
  std::deque<Replica>& receivers_;
  std::vector<KvPiece> pieces_;
  std::deque<Prefilled> waiting_;
  std::vector<std::shared_ptr<Transfer>> transfers_;  // In order of their start.
};

}  // namespace moesim
