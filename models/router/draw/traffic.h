// Traffic between the ranks of a stage for a bank's tokens: exact copies from the ids under a
// placement.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/router/bank/routing_bank.h"
#include "models/router/draw/dispatch.h"

namespace moesim {

// Square: [source * ranks + destination].
struct TrafficMatrix {
  explicit TrafficMatrix(std::int64_t num_ranks)
      : ranks(num_ranks), amounts(static_cast<std::size_t>(num_ranks * num_ranks), 0) {}

  double& at(std::int64_t source, std::int64_t destination) {
    return amounts[static_cast<std::size_t>(source * ranks + destination)];
  }
  double at(std::int64_t source, std::int64_t destination) const {
    return amounts[static_cast<std::size_t>(source * ranks + destination)];
  }
  double sent_by(std::int64_t source) const;
  double received_by(std::int64_t destination) const;
  double total() const;

  std::int64_t ranks = 0;
  std::vector<double> amounts;
};

// Adds `weight` times the copies that a source's tokens cause.
void add_copies(const Destinations& destinations, std::int64_t source, double weight,
                TrafficMatrix& traffic);

// Bytes that dispatch moves per token, summed over the layers given, if every rank brings each
// token of the bank once: all entries add up to the mean bytes of a token. Copies between ranks of
// one node and of different nodes are both in it; an expert's replicas take turns in bank order, or
// are the nearest. Requires: tokens travel; placements of the bank's first layers, groups = ranks.
TrafficMatrix rank_traffic(const RoutingBank& bank, std::span<const LayerPlacement> placements,
                           const DispatchGeometry& geometry, Bytes copy);

}  // namespace moesim
