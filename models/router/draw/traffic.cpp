#include "models/router/draw/traffic.h"

#include <numeric>

namespace moesim {

namespace {

// Where a layer's tokens go from a source, or from any if replicas take turns.
void send_layer(const RoutingBank& bank, std::int64_t layer, const LayerPlacement& placement,
                const DispatchGeometry& geometry, std::int64_t source, Destinations& destinations) {
  const bool is_static = geometry.replicas == ReplicaChoice::kStatic;
  std::vector<std::int32_t> group_of_slot, nearest;
  for (std::size_t slot = 0; slot < placement.expert_of_slot.size(); ++slot) {
    group_of_slot.push_back(placement.group_of_slot(static_cast<std::int32_t>(slot)));
  }
  for (std::int64_t e = 0; is_static && e < bank.num_experts; ++e) {
    nearest.push_back(nearest_slot(placement, geometry, source, e));
  }
  ReplicaTurns turns(placement);
  for (std::int64_t t = 0; t < bank.num_tokens(); ++t) {
    destinations.add_token();
    for (const std::uint16_t id : bank.token(layer, t)) {
      if (!turns.is_placed(id)) continue;
      const std::int32_t slot = is_static ? nearest[id] : turns.next(id);
      destinations.add_pair(group_of_slot[static_cast<std::size_t>(slot)]);
    }
  }
}

}  // namespace

double TrafficMatrix::sent_by(std::int64_t source) const {
  double sum = 0;
  for (std::int64_t r = 0; r < ranks; ++r) sum += at(source, r);
  return sum;
}

double TrafficMatrix::received_by(std::int64_t destination) const {
  double sum = 0;
  for (std::int64_t r = 0; r < ranks; ++r) sum += at(r, destination);
  return sum;
}

double TrafficMatrix::total() const {
  return std::accumulate(amounts.begin(), amounts.end(), 0.0);
}

void add_copies(const Destinations& destinations, std::int64_t source, double weight,
                TrafficMatrix& traffic) {
  destinations.for_each_copy(source, [&](std::int64_t from, std::int64_t to, std::int64_t copies) {
    traffic.at(from, to) += weight * static_cast<double>(copies);
  });
}

TrafficMatrix rank_traffic(const RoutingBank& bank, std::span<const LayerPlacement> placements,
                           const DispatchGeometry& geometry, Bytes copy) {
  TrafficMatrix traffic(geometry.ranks);
  const double weight = copy.value() / static_cast<double>(bank.num_tokens() * geometry.ranks);
  Destinations destinations(geometry);
  for (std::size_t layer = 0; layer < placements.size(); ++layer) {
    for (std::int64_t source = 0; source < geometry.ranks; ++source) {
      if (source == 0 || geometry.replicas == ReplicaChoice::kStatic) {
        destinations.clear();
        send_layer(bank, static_cast<std::int64_t>(layer), placements[layer], geometry, source,
                   destinations);
      }
      add_copies(destinations, source, weight, traffic);
    }
  }
  return traffic;
}

}  // namespace moesim
