#include "sim/network/collectives.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace moesim {

namespace {

// The load of a collective on the links inside a node or between nodes.
struct Demand {
  Bytes volume;  // Sent by each member.
  double steps = 0;
  double efficiency = 1;
};

// The share of its NIC bandwidth that a ring gets through the fabric; also used for double trees.
double ring_through(const CommGroup& group) {
  return group.nodes > 1 ? std::min(group.fabric.ring, group.scale_out) / group.scale_out : 1;
}

// Time of a volume at the bandwidth that a protocol reaches, with its ramp (LinkTechnology).
// Source: docs/physics.md, "Collectives".
Seconds ramped(const LinkTechnology& link, Bytes volume, double efficiency,
               BytesPerSecond bandwidth) {
  if (volume.value() <= 0) return Seconds(0);
  const double slow = link.ramp * (link.half_size / (volume + link.half_size));
  return volume / (efficiency * bandwidth) * (1 + slow);
}

// Start of the faster protocol: the one for small volumes or the one for bulk.
Seconds protocol_start(const LinkTechnology& link, Bytes volume) {
  return link.collective_start + link.bulk_start * std::min(1.0, volume / link.bulk_size);
}

Seconds latency_of(const LinkTechnology& link, const Demand& demand) {
  return demand.steps * link.step;
}

// Chunks move through both levels at the same time, so the slower level sets the pace, and there is
// one kernel launch for both.
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

// A ring of n members sends n - 1 of n pieces of `bytes` in n - 1 steps: once (laps = 1) for
// all-gather or reduce-scatter, twice for all-reduce.
Demand ring(std::int64_t members, Bytes bytes, double laps, const LinkTechnology& link) {
  const double n = static_cast<double>(members);
  return {laps * (n - 1) / n * bytes, laps * (n - 1), link.ring_efficiency};
}

// A ring between the nodes, through the fabric.
Demand ring_across(const CommGroup& group, Bytes bytes, double laps) {
  Demand demand = ring(group.nodes, bytes, laps, group.out);
  demand.efficiency *= ring_through(group);
  return demand;
}

// Reduction in the switch (NVLS): every member sends its buffer once. The benchmarks fit best with
// the number of steps of a ring.
Demand reduced_in_switch(std::int64_t members, Bytes bytes, const LinkTechnology& link) {
  return {bytes, 2.0 * static_cast<double>(members - 1), link.reduction_efficiency};
}

// Two binary trees over the nodes, each for half the bytes, up and down in log2(n) steps each; an
// inner node of one tree is a leaf of the other. Source: NCCL 2.4 release notes.
Demand double_tree(const CommGroup& group, Bytes bytes) {
  const double depth = std::ceil(std::log2(static_cast<double>(group.nodes)));
  return {2.0 * bytes, 2 * depth, group.out.ring_efficiency * ring_through(group)};
}

bool is_tree(AllReduce choice) {
  return choice == AllReduce::kTree || choice == AllReduce::kNvlsTree;
}

bool can_run(const CommGroup& group, AllReduce choice) {
  return all_reduce_fault(group, choice).empty();
}

CollectiveCost library_way(const CommGroup& group, Bytes bytes, AllReduce choice) {
  const bool in_switch = choice == AllReduce::kNvls || choice == AllReduce::kNvlsTree;
  const Bytes shard = bytes / per_node_mean(group);
  const Demand inside = in_switch ? reduced_in_switch(group.per_node, bytes, group.up)
                                  : ring(group.per_node, bytes, 2, group.up);
  const Demand across = is_tree(choice) ? double_tree(group, shard) : ring_across(group, shard, 2);
  CollectiveCost cost = cost_of(group, inside, across);
  cost.algorithm = choice;
  return cost;
}

CollectiveCost gather_cost(const CommGroup& group, Bytes bytes) {
  if (group.size <= 1 || bytes.value() <= 0) return {};
  const Bytes shard = bytes / per_node_mean(group);
  return cost_of(group, ring(group.per_node, bytes, 1, group.up), ring_across(group, shard, 1));
}

// Start of a stage, and bandwidth as a share of that of the library's all-to-all on the same link
// (docs/physics.md, "All-to-all").
struct ExpertKernel {
  Seconds start;
  double of_library = 1;
};

ExpertKernel expert_kernel(const AllToAllKernels& known, AllToAllKernel kernel) {
  switch (kernel) {
    case AllToAllKernel::kLowLatency:
      return {known.low_latency_start, known.low_latency_efficiency / known.library_efficiency};
    case AllToAllKernel::kNormalDispatch:
      return {known.dispatch_start, known.normal_efficiency / known.library_efficiency};
    case AllToAllKernel::kNormalCombine:
      return {known.combine_start, known.normal_efficiency / known.library_efficiency};
    case AllToAllKernel::kLibrary:
      break;
  }
  throw std::logic_error("the library's all-to-all has no expert kernel");
}

// The load of the slowest port that takes as long as the fullest port.
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

// The load of a NIC that takes as long as the fullest NIC or, if that is slower, the fabric.
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
  const LinkTechnology& link = group.per_node > 1 ? group.up : group.out;
  return cost_of(group, inside, across).time +
         static_cast<double>(group.size - 1) * link.all_to_all.peer_time;
}

Seconds expert_all_to_all(const CommGroup& group, Bytes up, Bytes out, AllToAllKernel kernel) {
  Seconds start, pace;
  if (group.per_node > 1) {
    const LinkTechnology& link = group.up;
    const ExpertKernel constants = expert_kernel(link.all_to_all, kernel);
    start = std::max(constants.start, link.collective_start);
    pace = up / (constants.of_library * link.all_to_all_efficiency * group.scale_up);
  }
  if (group.nodes > 1) {
    const LinkTechnology& link = group.out;
    start += std::max(expert_kernel(link.all_to_all, kernel).start, link.collective_start);
    pace = std::max(pace, out / (link.all_to_all_efficiency * group.scale_out));
  }
  return start + pace;
}

}  // namespace

std::string all_reduce_fault(const CommGroup& group, AllReduce choice) {
  const bool in_switch = choice == AllReduce::kNvls || choice == AllReduce::kNvlsTree;
  if (in_switch && !group.up.in_switch_reduction) {
    return fmt::format("no switch reduces between devices on {}", group.up.name);
  }
  if (in_switch && group.per_node <= 2)
    return "a switch reduces for three devices of a node or more";
  if (is_tree(choice) && group.nodes == 1) return "a tree is between nodes, and all are on one";
  const bool is_kernel = choice == AllReduce::kOneShot || choice == AllReduce::kTwoShot;
  if (is_kernel && group.nodes > 1) return "a kernel of the engine's own stays inside a node";
  if (is_kernel && group.up.graph_efficiency <= 0) {
    return fmt::format("no engine has a kernel of its own for {}", group.up.name);
  }
  return "";
}

CollectiveCost library_all_reduce(const CommGroup& group, Bytes bytes, AllReduce choice) {
  if (group.size <= 1 || bytes.value() <= 0) return {};
  if (choice != AllReduce::kAuto) return library_way(group, bytes, choice);
  CollectiveCost best = library_way(group, bytes, AllReduce::kRing);
  for (const AllReduce other : {AllReduce::kTree, AllReduce::kNvls, AllReduce::kNvlsTree}) {
    if (!can_run(group, other)) continue;
    const CollectiveCost cost = library_way(group, bytes, other);
    if (cost.time < best.time) best = cost;
  }
  return best;
}

//   t = max(a + d log2 G, min(library, a + d log2 G + V / (e B)))
//   V = 2 (G-1)/G S in two shots, (G-1) S in one
// The start was fitted to both kernels together, so the barrier that one shot saves is not
// modelled: here two shots are never slower.
CollectiveCost all_reduce(const CommGroup& group, Bytes bytes, AllReduce choice) {
  const bool has_kernel = can_run(group, AllReduce::kTwoShot);
  const bool is_free = group.size <= 1 || bytes.value() <= 0;
  if (!has_kernel || is_free) return library_all_reduce(group, bytes, choice);
  const double size = static_cast<double>(group.size);
  const Seconds start = group.up.graph_start + std::log2(size) * group.up.graph_doubling;
  const bool at_once = choice == AllReduce::kOneShot;
  const Bytes volume = (at_once ? size - 1 : 2 * (size - 1) / size) * bytes;
  const Seconds time = start + volume / (group.up.graph_efficiency * group.scale_up);
  const AllReduce kernel = at_once ? AllReduce::kOneShot : AllReduce::kTwoShot;
  if (choice == kernel) return {time, volume, Bytes(0), kernel};
  CollectiveCost library = library_all_reduce(group, bytes, choice);
  if (choice == AllReduce::kAuto && time <= library.time) return {time, volume, Bytes(0), kernel};
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
