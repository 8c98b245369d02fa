#include "sim/collectives.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

#include "hardware/topology_layout.h"

namespace moesim {

namespace {

// What a collective asks of the links inside a node and between nodes.
struct Demand {
  Bytes volume;  // Sent by each member.
  double steps = 0;
  double efficiency = 1;
};

// The share of a ring's NICs that the fabric lets through; double trees are taken alike.
double ring_through(const CommGroup& group) {
  return group.nodes > 1 ? std::min(group.fabric.ring, group.scale_out) / group.scale_out : 1;
}

// Time of a volume V at the bandwidth a protocol reaches, with its ramp-up (LinkTechnology).
// Source: ../shared/research/physics-serving.md section 4.
Seconds ramped(const LinkTechnology& link, Bytes volume, double efficiency,
               BytesPerSecond bandwidth) {
  if (volume.value() <= 0) return Seconds(0);
  const double slow = link.ramp * (link.half_size / (volume + link.half_size));
  return volume / (efficiency * bandwidth) * (1 + slow);
}

// Whichever protocol is faster: that for small volumes, or that for bulk.
Seconds protocol_start(const LinkTechnology& link, Bytes volume) {
  return link.collective_start + link.bulk_start * std::min(1.0, volume / link.bulk_size);
}

Seconds latency_of(const LinkTechnology& link, const Demand& demand) {
  return demand.steps * link.step;
}

// Chunks flow through both levels at once, so that the slower level sets the pace and one kernel
// launch serves both.
CollectiveCost cost_of(const CommGroup& group, const Demand& up, const Demand& out) {
  Seconds start, pace;
  if (group.per_node > 1) {
    start = protocol_start(group.up, up.volume);
    pace = ramped(group.up, up.volume, up.efficiency, group.scale_up);
  }
  if (group.nodes > 1) {
    start = std::max(start, protocol_start(group.out, out.volume));
    pace = std::max(pace, ramped(group.out, out.volume, out.efficiency, group.scale_out));
  }
  const Seconds steps = latency_of(group.up, up) + latency_of(group.out, out);
  return {start + steps + pace, up.volume, out.volume};
}

double per_node_mean(const CommGroup& group) {
  return static_cast<double>(group.size) / static_cast<double>(group.nodes);
}

// n - 1 pieces of n: what a ring of n members sends of `bytes`, in n - 1 steps; once to gather or
// to scatter (laps = 1), twice to reduce everywhere.
Demand ring(std::int64_t members, Bytes bytes, double laps, const LinkTechnology& link) {
  const double n = static_cast<double>(members);
  return {laps * (n - 1) / n * bytes, laps * (n - 1), link.ring_efficiency};
}

// The same between the nodes, through the fabric.
Demand ring_across(const CommGroup& group, Bytes bytes, double laps) {
  Demand demand = ring(group.nodes, bytes, laps, group.out);
  demand.efficiency *= ring_through(group);
  return demand;
}

// Reduction in the switch (NVLS): every member sends its buffer once. Of the benchmarked sizes the
// steps still fit best as the ring's.
Demand in_switch(std::int64_t members, Bytes bytes, const LinkTechnology& link) {
  return {bytes, 2.0 * static_cast<double>(members - 1), link.reduction_efficiency};
}

// Two binary trees over the nodes, each for half the bytes: up and down in log2(n) steps each, and
// an inner node of one tree is a leaf of the other. Source: NCCL 2.4 release notes.
Demand double_tree(const CommGroup& group, Bytes bytes) {
  const double depth = std::ceil(std::log2(static_cast<double>(group.nodes)));
  return {2.0 * bytes, 2 * depth, group.out.ring_efficiency * ring_through(group)};
}

CollectiveCost gather_cost(const CommGroup& group, Bytes bytes) {
  if (group.size <= 1 || bytes.value() <= 0) return {};
  const Bytes shard = bytes / per_node_mean(group);
  return cost_of(group, ring(group.per_node, bytes, 1, group.up), ring_across(group, shard, 1));
}

// Whether members of one node sit in different scale-up domains.
bool crosses_domains(const ClusterSpec& cluster, std::span<const std::int64_t> devices) {
  const std::int64_t per_node = cluster.node.devices;
  const std::int64_t domain =
      std::clamp<std::int64_t>(cluster.node.device.link_domain, 1, per_node);
  std::map<std::int64_t, std::int64_t> domain_of;  // [node]
  for (const std::int64_t device : devices) {
    const std::int64_t mine = device % per_node / domain;
    if (domain_of.try_emplace(device / per_node, mine).first->second != mine) return true;
  }
  return false;
}

// Port bandwidth that the members of one node reach among each other.
BytesPerSecond scale_up_of(const ClusterSpec& cluster, bool crosses, std::int64_t per_node) {
  const DeviceSpec& device = cluster.node.device;
  if (crosses) {
    if (device.link_bandwidth.value() <= 0) return device.host_bandwidth;
    return std::min(device.link_bandwidth, device.host_bandwidth);
  }
  if (device.link_technology.wiring != LinkWiring::kMesh || per_node <= 1) {
    return device.link_bandwidth;
  }
  const std::int64_t mesh = std::clamp(device.link_domain, per_node, cluster.node.devices);
  return device.link_bandwidth *
         (static_cast<double>(per_node - 1) / static_cast<double>(mesh - 1));
}

// Constants of the DeepEP kernels: start of a stage, and bandwidth as a share of what the library's
// all-to-all reaches on the same NVLink.
// Source: ../shared/research/physics-serving.md sections 4 and 6, fitted to DeepEP on H100: 13.1 us
// low latency, 27 and 49 us normal dispatch and combine; 0.56 and 0.65 of the port, where the
// library has 0.67.
struct ExpertKernel {
  Seconds start;
  double of_library = 1;
};

ExpertKernel expert_kernel(AllToAllKernel kernel) {
  switch (kernel) {
    case AllToAllKernel::kLowLatency:
      return {Seconds(13.1e-6), 0.56 / 0.67};
    case AllToAllKernel::kNormalDispatch:
      return {Seconds(27e-6), 0.65 / 0.67};
    case AllToAllKernel::kNormalCombine:
      return {Seconds(49e-6), 0.65 / 0.67};
    case AllToAllKernel::kLibrary:
      break;
  }
  throw std::logic_error("the library's all-to-all has no expert kernel");
}

// What a sender spends on each peer: without it an NVLink 4 all-to-all below 1 MiB comes out 20 %
// low. Calibrated on ../shared/truth/collectives.csv (alltoall below 1 MiB; 0.2 to 0.3 us fit
// alike).
constexpr Seconds kPerPeer{0.2e-6};

// What the slowest port could carry in the time that the fullest one takes.
//   bytes = max over members(load / lead)
Bytes fullest(const std::vector<double>& out, const std::vector<double>& in,
              const std::vector<double>& lead) {
  double most = 0;
  for (const std::vector<double>* loads : {&out, &in}) {
    for (std::size_t i = 0; i < loads->size(); ++i) {
      most = std::max(most, lead.empty() ? (*loads)[i] : (*loads)[i] / lead[i]);
    }
  }
  return Bytes(most);
}

// What the fullest NIC would carry in the time that the fabric takes.
//   bytes = max(fullest NIC, mean NIC * scale_out / spread)
Bytes through_fabric(const CommGroup& group, const PortLoads& loads) {
  const Bytes most = fullest(loads.scale_out_out, loads.scale_out_in, group.out_lead);
  if (group.nodes <= 1 || group.fabric.spread >= group.fabric.nic) return most;
  const std::vector<double>& sent = loads.scale_out_out;
  if (sent.empty()) return most;
  const Bytes mean(std::accumulate(sent.begin(), sent.end(), 0.0) /
                   static_cast<double>(sent.size()));
  return std::max(most, mean * (group.scale_out / group.fabric.spread));
}

Seconds library_all_to_all(const CommGroup& group, Bytes up, Bytes out) {
  const Demand inside{up, group.per_node > 1 ? 1.0 : 0.0, group.up.all_to_all_efficiency};
  const Demand across{out, group.nodes > 1 ? 1.0 : 0.0, group.out.all_to_all_efficiency};
  return cost_of(group, inside, across).time + static_cast<double>(group.size - 1) * kPerPeer;
}

Seconds expert_all_to_all(const CommGroup& group, Bytes up, Bytes out, AllToAllKernel kernel) {
  const ExpertKernel constants = expert_kernel(kernel);
  Seconds start, pace;
  if (group.per_node > 1) {
    const LinkTechnology& link = group.up;
    start = std::max(constants.start, link.collective_start);
    pace = up / (constants.of_library * link.all_to_all_efficiency * group.scale_up);
  }
  if (group.nodes > 1) {
    const LinkTechnology& link = group.out;
    start += std::max(constants.start, link.collective_start);
    pace = std::max(pace, out / (link.all_to_all_efficiency * group.scale_out));
  }
  return start + pace;
}

double speed_of(const std::map<std::int64_t, double>& speeds, std::int64_t part) {
  const auto found = speeds.find(part);
  return found == speeds.end() ? 1 : found->second;
}

// The bandwidth of the slowest member; what the others reach of it goes to `lead`.
BytesPerSecond slowest_of(BytesPerSecond whole, std::vector<double> shares,
                          std::vector<double>& lead) {
  const double least = *std::min_element(shares.begin(), shares.end());
  if (least >= 1) return whole;
  for (double& share : shares) share /= least;
  lead = std::move(shares);
  return whole * least;
}

void slow_down(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
               const LinkSpeeds& speeds, CommGroup& group) {
  const TopologyLayout layout = lay_out(cluster);
  std::vector<double> up, out;
  for (const std::int64_t device : devices) {
    up.push_back(speed_of(speeds.scale_up, device));
    if (group.nodes > 1) out.push_back(speed_of(speeds.nics, layout.nic_of(device)));
  }
  group.scale_up = slowest_of(group.scale_up, std::move(up), group.up_lead);
  if (group.nodes > 1)
    group.scale_out = slowest_of(group.scale_out, std::move(out), group.out_lead);
}

}  // namespace

CommGroup make_group(const ClusterSpec& cluster, std::span<const std::int64_t> devices,
                     const LinkSpeeds& speeds) {
  const NodeSpec& node = cluster.node;
  std::map<std::int64_t, std::int64_t> members;  // [node]
  for (const std::int64_t device : devices) ++members[device / node.devices];
  CommGroup group;
  group.size = static_cast<std::int64_t>(devices.size());
  group.nodes = std::max<std::int64_t>(1, static_cast<std::int64_t>(members.size()));
  for (const auto& [index, count] : members) group.per_node = std::max(group.per_node, count);
  group.up = node.device.link_technology;
  group.out = node.nic_technology;
  const bool crosses = crosses_domains(cluster, devices);
  if (crosses) group.up.in_switch_reduction = false;
  group.scale_up = scale_up_of(cluster, crosses, group.per_node);
  if (group.nodes > 1) {
    group.fabric = fabric_share(cluster, devices);
    group.scale_out = group.fabric.nic;
  }
  if ((group.per_node > 1 && group.scale_up.value() <= 0) ||
      (group.nodes > 1 && group.scale_out.value() <= 0)) {
    throw std::invalid_argument("no link joins the members of a group");
  }
  if (!speeds.empty() && !devices.empty()) slow_down(cluster, devices, speeds, group);
  return group;
}

CollectiveCost library_all_reduce(const CommGroup& group, Bytes bytes) {
  if (group.size <= 1 || bytes.value() <= 0) return {};
  std::vector<Demand> inside{ring(group.per_node, bytes, 2, group.up)};
  if (group.up.in_switch_reduction && group.per_node > 2) {
    inside.push_back(in_switch(group.per_node, bytes, group.up));
  }
  const Bytes shard = bytes / per_node_mean(group);
  std::vector<Demand> across{ring_across(group, shard, 2)};
  if (group.nodes > 2) across.push_back(double_tree(group, shard));
  CollectiveCost best = cost_of(group, inside.front(), across.front());
  for (const Demand& up : inside) {
    for (const Demand& out : across) {
      const CollectiveCost cost = cost_of(group, up, out);
      if (cost.time < best.time) best = cost;
    }
  }
  return best;
}

//   t = max(a + d log2 G, min(library, a + d log2 G + 2 (G-1)/G S / (e B)))
CollectiveCost all_reduce(const CommGroup& group, Bytes bytes) {
  CollectiveCost library = library_all_reduce(group, bytes);
  const bool has_kernel = group.up.graph_efficiency > 0 && group.nodes == 1;
  if (!has_kernel || library.time.value() <= 0) return library;
  const double size = static_cast<double>(group.size);
  const Seconds start = group.up.graph_start + std::log2(size) * group.up.graph_doubling;
  const Bytes volume = 2 * (size - 1) / size * bytes;
  const Seconds time = start + volume / (group.up.graph_efficiency * group.scale_up);
  if (time <= library.time) return {time, volume, Bytes(0)};
  library.time = std::max(library.time, start);
  return library;
}

CollectiveCost all_gather(const CommGroup& group, Bytes bytes) {
  return gather_cost(group, bytes);
}

CollectiveCost reduce_scatter(const CommGroup& group, Bytes bytes) {
  return gather_cost(group, bytes);
}

Seconds all_to_all(const CommGroup& group, const PortLoads& loads) {
  return all_to_all(group, loads, AllToAllKernel::kLibrary);
}

Seconds all_to_all(const CommGroup& group, const PortLoads& loads, AllToAllKernel kernel) {
  if (group.size <= 1) return Seconds(0);
  const Bytes up = fullest(loads.scale_up_out, loads.scale_up_in, group.up_lead);
  const Bytes out = through_fabric(group, loads);
  if (kernel == AllToAllKernel::kLibrary) return library_all_to_all(group, up, out);
  return expert_all_to_all(group, up, out, kernel);
}

Seconds point_to_point_latency(const CommGroup& group) {
  if (group.size <= 1) return Seconds(0);
  const LinkTechnology& link = group.nodes > 1 ? group.out : group.up;
  return link.collective_start + link.step;
}

}  // namespace moesim
