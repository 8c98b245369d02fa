// Small deployments on made-up hardware with round numbers, for tests that a reader can check in
// the head.
#pragma once

#include <cstdint>

#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"
#include "tests/models/made_models.h"

namespace moesim::made {

// 1 PFLOP/s, 1 TB/s, 80 GB, ports of 100 GB/s, 1000 W; peaks are reached, launches cost nothing.
inline DeviceSpec device() {
  DeviceSpec d;
  d.name = "round";
  for (const Dtype dtype : {Dtype::kFp32, Dtype::kBf16, Dtype::kFp8}) {
    d.peak[dtype] = FlopsPerSecond(1e15);
  }
  d.memory = Bytes(80e9);
  d.memory_bandwidth = BytesPerSecond(1e12);
  d.num_sms = 100;
  d.link_bandwidth = BytesPerSecond(100e9);
  d.link_domain = 8;
  d.host_bandwidth = BytesPerSecond(50e9);
  d.tdp = Watts(1000);
  d.idle = Watts(100);
  d.context = Watts(50);
  d.family.overlap_exponent = 8;
  d.family.power_busy = 0.3;
  d.family.power_hbm = 0.4;
  d.family.power_tensor = 0.4;
  d.family.power_link = 0.2;
  d.family.power_waiting = 0.25;
  d.link_technology.name = "round link";
  return d;
}

// A device on which kernels take no time worth mentioning: only the host's share of a step is left.
inline DeviceSpec instant_device() {
  DeviceSpec d = device();
  for (auto& [dtype, peak] : d.peak) peak = FlopsPerSecond(1e30);
  d.memory_bandwidth = BytesPerSecond(1e27);
  d.link_bandwidth = BytesPerSecond(1e24);
  return d;
}

inline ClusterSpec cluster(const DeviceSpec& device, std::int64_t devices) {
  ClusterSpec c;
  c.node.name = "round node";
  c.node.device = device;
  c.node.devices = devices;
  c.node.host_idle = Watts(500);
  c.node.host_busy = Watts(1500);
  c.node.psu_efficiency = 0.95;
  return c;
}

// Four dense layers of 1 GB in all.
inline ModelSpec small_dense(std::int64_t layers = 4) {
  return model(2048, 4096, layers, dense_layer(2048, grouped(2048, 16, 4, 128), 16384));
}

inline ModelSpec small_moe() {
  return model(2048, 4096, 4,
               moe_layer(2048, grouped(2048, 16, 4, 128), experts(2048, 16, 2, 4096)));
}

inline Deployment deployment(const ModelSpec& model, const ClusterSpec& cluster) {
  Deployment d;
  d.name = "made";
  d.model = model;
  d.cluster = cluster;
  d.tokens.policy = TokenPolicy::kUniform;
  d.site.pue = 1.2;
  return d;
}

// One step takes `step` whatever is in it.
inline Deployment constant_step(Seconds step) {
  Deployment d = deployment(small_dense(1), cluster(instant_device(), 1));
  d.serving.step_time = step;
  return d;
}

inline Workload workload(ArrivalKind kind, std::int64_t requests, std::int64_t input,
                         std::int64_t output) {
  Workload w;
  w.kind = kind;
  for (std::int64_t i = 0; i < requests; ++i) w.requests.push_back({Seconds(0), input, output});
  return w;
}

// Arrivals at even distances.
inline Workload paced(std::int64_t requests, Seconds gap, std::int64_t input, std::int64_t output) {
  Workload w = workload(ArrivalKind::kOpen, requests, input, output);
  for (std::int64_t i = 0; i < requests; ++i) {
    w.requests[i].arrival = gap * static_cast<double>(i);
  }
  return w;
}

}  // namespace moesim::made
