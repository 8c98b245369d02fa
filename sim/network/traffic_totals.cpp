#include "sim/network/traffic_totals.h"

namespace moesim {

void TrafficTotals::add(const TrafficTotals& other, double share) {
  tensor_parallel += other.tensor_parallel * share;
  dispatch += other.dispatch * share;
  combine += other.combine * share;
  pipeline += other.pipeline * share;
  weight_moves += other.weight_moves * share;
  kv_transfer += other.kv_transfer * share;
  scale_up_sent += other.scale_up_sent * share;
  scale_up_received += other.scale_up_received * share;
  scale_out_sent += other.scale_out_sent * share;
  scale_out_received += other.scale_out_received * share;
}

}  // namespace moesim
