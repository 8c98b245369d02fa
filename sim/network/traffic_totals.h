// Bytes that the devices of a deployment exchange, by purpose and by kind of link.
#pragma once

#include "base/units.h"

namespace moesim {

// Sums over all devices.
struct TrafficTotals {
  Bytes tensor_parallel;  // Sent by all-reduce, all-gather and reduce-scatter.
  Bytes dispatch;         // Tokens sent to experts.
  Bytes combine;          // Results sent back.
  Bytes pipeline;         // Activations sent to the next stage.
  Bytes kv_transfer;      // KV caches sent from prefill to decode replicas.
  Bytes weight_moves;     // Expert weights sent to other devices by rebalancing.
  Bytes scale_up_sent, scale_up_received;
  Bytes scale_out_sent, scale_out_received;

  // Adds `share` of other totals.
  void add(const TrafficTotals& other, double share);
};

}  // namespace moesim
