// Time and traffic of collectives that have their ports to themselves: alpha + steps + volume over
// the reached bandwidth. Source: ../shared/research/physics-serving.md section 4.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "sim/deployment/all_reduce.h"
#include "sim/network/comm_group.h"

namespace moesim {

// Duration of a collective and what every member sends through its ports (all members alike).
struct CollectiveCost {
  Seconds time;
  Bytes scale_up_sent;   // Per member.
  Bytes scale_out_sent;  // Per member.
  AllReduce algorithm = AllReduce::kRing;
};

// Each of `bytes` is the full buffer: reduced (all_reduce), gathered result (all_gather), input
// (reduce_scatter). A group of one, and no bytes, cost nothing. Times are those of a library (NCCL)
// as its benchmarks report them, from launch to end: LinkTechnology::collective_start contains one
// kernel launch, and a caller must not add another. Several nodes: hierarchical (reduce-scatter
// inside the node, ring or double tree across nodes, all-gather inside), pipelined in chunks; a
// flat ring carries more bytes through more steps and never wins.
CollectiveCost library_all_reduce(const CommGroup& group, Bytes bytes,
                                  AllReduce choice = AllReduce::kAuto);
CollectiveCost all_gather(const CommGroup& group, Bytes bytes);
CollectiveCost reduce_scatter(const CommGroup& group, Bytes bytes);

// All-reduce as a serving engine runs it inside a CUDA graph: the engine's own kernel or the
// library's, whichever is faster, but never below the graph kernel's start, which contains the wait
// for the slowest member. Equals library_all_reduce across nodes or without such a kernel.
CollectiveCost all_reduce(const CommGroup& group, Bytes bytes, AllReduce choice = AllReduce::kAuto);

// What keeps a group from an algorithm, in words ("the switch of NVLink 3 does not reduce"); empty
// = nothing. The all-reduces above require that there is nothing.
std::string all_reduce_fault(const CommGroup& group, AllReduce choice);

// Bytes through each member's ports in an all-to-all of unequal sizes.
struct PortLoads {
  std::vector<double> scale_up_out, scale_up_in;    // [member] bytes
  std::vector<double> scale_out_out, scale_out_in;  // [member] bytes
};
// What moves the bytes of an all-to-all: the library, or the kernels of expert-parallel dispatch
// and combine (DeepEP), which start later but reach their bandwidth without a ramp.
enum class AllToAllKernel { kLibrary, kLowLatency, kNormalDispatch, kNormalCombine };

//   time = alpha + max over ports(load / (efficiency * bandwidth of that port))
// The ports inside a blocking fabric carry the traffic of many members, so that their load goes by
// the mean over members: at fabric.spread when all send alike.
// A group of one costs nothing; a group that moves no byte still pays alpha, as its members must
// meet.
Seconds all_to_all(const CommGroup& group, const PortLoads& loads);
Seconds all_to_all(const CommGroup& group, const PortLoads& loads, AllToAllKernel kernel);

// Latency of one point-to-point message; its bytes go through Engine::transfer.
Seconds point_to_point_latency(const CommGroup& group);

}  // namespace moesim
