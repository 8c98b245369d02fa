// Time and traffic of collectives that share their ports with no other traffic: start + steps +
// volume over the reached bandwidth. Source: docs/physics.md, "Collectives".
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "sim/deployment/all_reduce.h"
#include "sim/network/comm_group.h"

namespace moesim {

// Duration of a collective and the bytes that each member sends; all members send alike.
struct CollectiveCost {
  Seconds time;
  Bytes scale_up_sent;   // Per member.
  Bytes scale_out_sent;  // Per member.
  AllReduce algorithm = AllReduce::kRing;
};

// `bytes` is the full buffer: the reduced one (all_reduce), the gathered result (all_gather), the
// input (reduce_scatter). A group of one and an empty buffer cost nothing. Times are those that the
// benchmarks of a library (NCCL) report, from launch to end: LinkTechnology::collective_start
// contains one kernel launch, and callers must not add another. Several nodes: hierarchical
// (reduce-scatter inside the node, ring or double tree across nodes, all-gather inside), pipelined
// in chunks; a flat ring would move more bytes in more steps.
CollectiveCost library_all_reduce(const CommGroup& group, Bytes bytes,
                                  AllReduce choice = AllReduce::kAuto);
CollectiveCost all_gather(const CommGroup& group, Bytes bytes);
CollectiveCost reduce_scatter(const CommGroup& group, Bytes bytes);

// All-reduce of a serving engine inside a CUDA graph: the faster of the engine's own kernel and the
// library, but not below the start of a graph kernel, which contains the wait for the slowest
// member. Equals library_all_reduce across nodes or where the engine has no such kernel.
CollectiveCost all_reduce(const CommGroup& group, Bytes bytes, AllReduce choice = AllReduce::kAuto);

// The reason why a group cannot run an algorithm ("no switch reduces between devices on NVLink 3");
// empty = it can. The all-reduces above require that it can.
std::string all_reduce_fault(const CommGroup& group, AllReduce choice);

// Bytes through each member's ports in an all-to-all of unequal sizes.
struct PortLoads {
  std::vector<double> scale_up_out, scale_up_in;    // [member] bytes
  std::vector<double> scale_out_out, scale_out_in;  // [member] bytes
};
// The kernels of an all-to-all: the library's, or those of expert-parallel dispatch and combine
// (DeepEP), which start later but reach their bandwidth without a ramp.
enum class AllToAllKernel { kLibrary, kLowLatency, kNormalDispatch, kNormalCombine };

//   time = start + max over ports(load / (efficiency * bandwidth of that port))
// The ports inside a blocking fabric carry the traffic of many members, so that their load follows
// the mean over members: each gets fabric.spread if all send alike.
// A group of one costs nothing; a group that moves no bytes still pays the start, because its
// members must synchronise.
Seconds all_to_all(const CommGroup& group, const PortLoads& loads);
Seconds all_to_all(const CommGroup& group, const PortLoads& loads, AllToAllKernel kernel);

// Latency of one point-to-point message; Engine::transfer moves its bytes.
Seconds point_to_point_latency(const CommGroup& group);

}  // namespace moesim
