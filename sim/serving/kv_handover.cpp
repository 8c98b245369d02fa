#include "sim/serving/kv_handover.h"

#include <algorithm>
#include <memory>

#include "models/spec/kv_bytes.h"

namespace moesim {

// Rank t of tp holds the share [t / tp, (t + 1) / tp) of a layer's heads. With a and b the widths
// of sender and receiver, rank t_b gets from rank t_a the share
//   b max(0, min((t_a + 1) / a, (t_b + 1) / b) - max(t_a / a, t_b / b))
// of what it keeps; the shares of a receiver add up to one.
std::vector<KvPiece> kv_pieces(const ParallelPlan& prefill, const ParallelPlan& decode,
                               std::int64_t num_layers) {
  std::vector<KvPiece> pieces;
  const std::int64_t a = prefill.tp, b = decode.tp;
  for (std::int64_t p = 0; p < prefill.pp; ++p) {
    const LayerRange sent = stage_layers(num_layers, prefill.pp, p);
    for (std::int64_t d = 0; d < decode.pp; ++d) {
      const LayerRange kept = stage_layers(num_layers, decode.pp, d);
      const LayerRange layers{std::max(sent.first, kept.first), std::min(sent.last, kept.last)};
      if (layers.first >= layers.last) continue;
      for (std::int64_t to = 0; to < b; ++to) {
        for (std::int64_t from = to * a / b; from * b < (to + 1) * a; ++from) {
          const std::int64_t overlap =
              std::min((from + 1) * b, (to + 1) * a) - std::max(from * b, to * a);
          pieces.push_back({p * prefill.stage_ranks() + from, d * decode.stage_ranks() + to, layers,
                            static_cast<double>(overlap) / static_cast<double>(a)});
        }
      }
    }
  }
  return pieces;
}

KvHandover::KvHandover(const Replica::Context& prefill, std::deque<Replica>& senders,
                       const Replica::Context& decode, std::deque<Replica>& receivers)
    : prefill_(prefill),
      decode_(decode),
      senders_(senders),
      receivers_(receivers),
      pieces_(kv_pieces(prefill.deployment.plan, decode.deployment.plan,
                        static_cast<std::int64_t>(decode.deployment.model.layers.size()))) {}

void KvHandover::offer(const std::vector<Prefilled>& prompts) {
  waiting_.insert(waiting_.end(), prompts.begin(), prompts.end());
}

void KvHandover::send_off() {
  while (!waiting_.empty()) {
    const std::optional<Destination> destination = reserve(waiting_.front());
    if (!destination) return;
    send(waiting_.front(), *destination);
    waiting_.pop_front();
  }
}

// Reserves a slot on the attention-DP rank with the least work that has room.
std::optional<KvHandover::Destination> KvHandover::reserve(const Prefilled& prompt) {
  std::vector<Destination> candidates;
  for (std::size_t r = 0; r < receivers_.size(); ++r) {
    if (receivers_[r].state() != Replica::State::kServing) continue;
    std::vector<Batcher>& batchers = receivers_[r].batchers();
    for (std::size_t d = 0; d < batchers.size(); ++d) {
      candidates.push_back({&receivers_[r], &batchers[d], static_cast<std::int64_t>(r),
                            static_cast<std::int64_t>(d), 0});
    }
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Destination& a, const Destination& b) {
                     return a.batcher->outstanding_tokens() < b.batcher->outstanding_tokens();
                   });
  for (Destination& candidate : candidates) {
    const std::optional<std::int32_t> slot = candidate.batcher->reserve(prompt);
    if (!slot) continue;
    candidate.slot = *slot;
    return candidate;
  }
  return std::nullopt;
}

void KvHandover::send(const Prefilled& prompt, const Destination& destination) {
  const Deployment& prefill = prefill_.deployment;
  const Deployment& decode = decode_.deployment;
  const std::int64_t sender = prefill.first_device + prompt.replica * prefill.plan.replica_ranks() +
                              prompt.dp_rank * prefill.plan.tp;
  const std::int64_t receiver = decode.first_device +
                                destination.index * decode.plan.replica_ranks() +
                                destination.dp_rank * decode.plan.tp;
  const auto transfer = std::make_shared<Transfer>(
      Transfer{prompt, destination, static_cast<std::int64_t>(pieces_.size())});
  transfers_.push_back(transfer);
  for (const KvPiece& piece : pieces_) {
    const std::int64_t pair[] = {sender + piece.from, receiver + piece.to};
    const CommGroup group = make_group(decode.cluster, pair);
    const Bytes bytes = piece.share * kv_rank_bytes(decode.model, piece.layers, decode.plan.tp,
                                                    decode.dtypes.kv, prompt.request.input_tokens);
    const auto arrived = [this, transfer, bytes, across = group.nodes > 1] {
      TrafficTotals& traffic = decode_.records.traffic;
      traffic.kv_transfer += bytes;
      (across ? traffic.scale_out_sent : traffic.scale_up_sent) += bytes;
      (across ? traffic.scale_out_received : traffic.scale_up_received) += bytes;
      if (--transfer->flows == 0 && !transfer->is_lost) arrive(transfer);
    };
    decode_.engine.transfer(pair[0], pair[1], bytes, point_to_point_latency(group), arrived);
  }
}

void KvHandover::arrive(const std::shared_ptr<Transfer>& transfer) {
  const Prefilled& prompt = transfer->prompt;
  std::erase(transfers_, transfer);
  batcher_of(prompt).release(prompt);
  transfer->destination.batcher->receive(transfer->destination.slot);
  decode_.records.kv_handover_s.push_back((decode_.engine.now() - prompt.ready).value());
  senders_[static_cast<std::size_t>(prompt.replica)].wake();
  transfer->destination.replica->wake();
}

Batcher& KvHandover::batcher_of(const Prefilled& prompt) {
  return senders_[static_cast<std::size_t>(prompt.replica)]
      .batchers()[static_cast<std::size_t>(prompt.dp_rank)];
}

void KvHandover::lose_sender(std::int64_t replica) {
  std::erase_if(waiting_, [&](const Prefilled& prompt) {
    if (prompt.replica != replica) return false;
    batcher_of(prompt).take_back(prompt);
    return true;
  });
  std::erase_if(transfers_, [&](const std::shared_ptr<Transfer>& transfer) {
    if (transfer->prompt.replica != replica) return false;
    transfer->is_lost = true;
    transfer->destination.batcher->cancel(transfer->destination.slot);
    batcher_of(transfer->prompt).take_back(transfer->prompt);
    return true;
  });
}

void KvHandover::lose_receiver(std::int64_t replica) {
  std::vector<Prefilled> returned;
  std::erase_if(transfers_, [&](const std::shared_ptr<Transfer>& transfer) {
    if (transfer->destination.index != replica) return false;
    transfer->is_lost = true;
    transfer->destination.batcher->cancel(transfer->destination.slot);
    returned.push_back(transfer->prompt);
    return true;
  });
  waiting_.insert(waiting_.begin(), returned.begin(), returned.end());
}

std::vector<Prefilled> KvHandover::withdraw() {
  std::vector<Prefilled> prompts(waiting_.begin(), waiting_.end());
  waiting_.clear();
  return prompts;
}

}  // namespace moesim
