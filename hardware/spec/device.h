// The parts of a cluster: accelerators, nodes, link technologies, fabrics and sites, each read
// from a profile file in which every number has a unit, a source and a confidence.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/units.h"
#include "base/words.h"
#include "hardware/spec/fact.h"

namespace moesim {

class MeasuredKernels;

// The interface through which an engine starts kernels: CUDA, ROCm, Metal, Vulkan.
// hardware/profiles/backends/NAME.yaml.
struct Backend {
  std::string name;
  Seconds launch;                  // From one kernel to the next inside a graph.
  double eager_launch_factor = 1;  // Launch cost outside a graph (prefill), times `launch`.
  std::vector<Fact> facts;
};

// How close kernels come to a device's peaks, for one hardware family (Hopper, CDNA3, ...).
// Source: docs/physics.md, "Kernel time" and "Power"; each number with its provenance in
// hardware/profiles/families/NAME.yaml.
struct KernelFamily {
  std::string name;
  std::string backend;             // Name; empty = a family with a launch cost of its own alone.
  Seconds launch;                  // From one kernel to the next inside a CUDA graph.
  double eager_launch_factor = 1;  // Launch cost outside a graph (prefill), times `launch`.
  std::map<Dtype, double> compute_efficiency;  // Reached share of the dense peak, large GEMM.
  double bandwidth_efficiency = 1;     // Reached share of the HBM bandwidth, streaming weights.
  double kv_bandwidth_efficiency = 1;  // The same for reading a KV cache in decode attention.
  double attention_compute_efficiency = 1;  // Prefill attention core.
  double attention_ramp_tokens = 0;         // Keys at which half of that is lost.
  double attention_ramp_head_dim = 0;       // Head dimension at which half of the limit is reached.
  double expert_compute_efficiency = 1;     // Grouped expert GEMM, times compute_efficiency.
  double expert_rows_lost = 0;              // Rows lost per expert hit (half a tile).
  // The same of four-bit expert weights that the device widens to 16 bit, in registers: their rate
  // over that of other grouped GEMMs, and their rows lost.
  double widened_expert_efficiency = 1;
  double widened_rows_lost = 0;
  bool contiguous_experts = false;  // DeepGEMM's contiguous grouped kernels run on it.
  double sm_bandwidth_share = 0;    // Bytes one SM can pull, as a multiple of HBM bandwidth / SMs.
  double cache_bandwidth_factor = 1;  // Bandwidth of the last-level cache over that of memory.
  double overlap_exponent = 2;        // p of the soft maximum of compute and memory time.
  double lowest_clock = 0.1;          // Share of the highest clock.
  // Token rows to which the tensor units pad the work of one expert; formats not listed as bf16.
  std::map<Dtype, double> expert_tile_rows;
  // Power, as fractions of TDP: P = busy + hbm * u_hbm + tensor * u_tensor + link * u_link, over
  // a step at most cap; see kernel_power.cpp.
  double power_busy = 0;
  double power_hbm = 0;
  double power_tensor = 0;
  double power_link = 0;
  double power_cap = 1;      // Highest sustained share of TDP.
  double power_waiting = 0;  // Share of TDP while resident but waiting.
  std::vector<Fact> facts;
};

// How a scale-up technology joins the devices of one domain.
enum class LinkWiring {
  kSwitch,  // Every device has one port in and one out of a switch (NVSwitch); also any NIC
            // network.
  kMesh,    // A link of its own between every two devices (Infinity Fabric, Gaudi).
  kTree,    // Through the host's PCIe ports.
  kTorus,   // Neighbours only; devices can be looked at, but nodes of several are refused.
};
template <>
inline constexpr auto kWords<LinkWiring> = enum_words<LinkWiring>({
    {LinkWiring::kSwitch, "switch"},
    {LinkWiring::kMesh, "mesh"},
    {LinkWiring::kTree, "tree"},
    {LinkWiring::kTorus, "torus"},
});

// Largest node on a full mesh, which has a link for every pair.
inline constexpr std::int64_t kMostMeshDevices = 64;

// Kernels that move the bytes of an all-to-all. Efficiencies are shares of a port's bandwidth on
// one and the same link, so that their quotients hold on others.
struct AllToAllKernels {
  Seconds peer_time;              // Of a sender, per peer, in the library's all-to-all.
  double library_efficiency = 1;  // Of the library's all-to-all.
  Seconds low_latency_start;      // Of expert-parallel dispatch or combine in few-token steps,
  double low_latency_efficiency = 1;
  Seconds dispatch_start;  // in steps with many tokens,
  Seconds combine_start;
  double normal_efficiency = 1;
  std::vector<Fact> facts;
};

// Latencies and reached bandwidth of a link technology (NVLink 4, NDR InfiniBand, PCIe 5, ...).
struct LinkTechnology {
  std::string name;
  LinkWiring wiring = LinkWiring::kSwitch;
  Seconds collective_start;    // As a library benchmark reports it: one kernel launch included.
  Seconds step;                // Added per algorithm step (hop).
  double ring_efficiency = 1;  // Reached share of the port bandwidth: ring collectives,
  double all_to_all_efficiency = 1;  // all-to-all,
  double reduction_efficiency = 1;   // in-switch reduction (NVLS).
  // Small volumes V cost more per byte than large ones, because a library opens fewer channels:
  //   t = V / (e B) (1 + ramp h / (V + h)),  h = half_size
  Bytes half_size;
  double ramp = 1;
  // The protocol for bulk starts so much later than that for small volumes, which costs as much by
  // the time a member sends bulk_size.
  Seconds bulk_start;
  Bytes bulk_size = Bytes(1);
  bool in_switch_reduction = false;
  // One- or two-shot all-reduce inside a CUDA graph, as serving engines use for small messages:
  //   t = graph_start + graph_doubling log2(G) + 2 (G-1)/G bytes / (graph_efficiency bandwidth)
  // graph_efficiency 0 means that the technology has none.
  Seconds graph_start;
  Seconds graph_doubling;
  double graph_efficiency = 0;
  double energy_per_byte = 0;  // J, of moving one byte through one port.
  AllToAllKernels all_to_all;
  std::vector<Fact> facts;
};

struct DeviceSpec {
  std::string name;  // Slug, e.g. "h100-sxm-80gb".
  std::string title;
  std::string vendor;
  std::map<Dtype, FlopsPerSecond> peak;  // Dense.
  Bytes memory;                          // Usable, as the driver shows it.
  BytesPerSecond memory_bandwidth;
  std::int64_t num_sms = 0;       // Compute units that a kernel's tiles spread over.
  std::string link;               // Name of the scale-up LinkTechnology.
  BytesPerSecond link_bandwidth;  // Scale-up, per direction and device.
  std::int64_t link_domain = 1;   // Devices that the scale-up network reaches.
  BytesPerSecond host_bandwidth;  // Per direction.
  Watts tdp;
  Watts idle;
  Watts context;     // Added to idle by a resident process.
  double rent = 0;   // USD/h, indicative; 0 = no price known.
  double price = 0;  // USD, of the purchase; 0 = not known.
  std::string price_date;
  KernelFamily family;
  LinkTechnology link_technology;
  // Kernel times that override the model; null = none. Shared by all copies of the device, because
  // a table may have many thousand rows.
  std::shared_ptr<const MeasuredKernels> measured;
  std::vector<Fact> facts;

  // Dense peak for a dtype; a format that the device lacks is widened (fp8 and fp4 to 16 bit). bf16
  // and fp16 stand in for each other; int4 weights are multiplied in 16 bit (weight-only); fp32
  // without hardware for it runs in 16 bit, as a TPU does by default. Requires: a 16-bit peak,
  // which every profile has.
  FlopsPerSecond peak_of(Dtype dtype) const;
  // The format that the multiplication then runs in.
  Dtype compute_dtype(Dtype dtype) const;
  // Whether four-bit weights of this format are widened in registers, by kernels of their own.
  bool widens(Dtype dtype) const {
    return dtype == Dtype::kFp4 && compute_dtype(dtype) != Dtype::kFp4;
  }
  // Of a device that waits with a process on it; no power limit holds it below that.
  Watts waiting_power() const;
  // Facts of the family that enter the kernels of a model with expert weights in this format
  // (nothing = a dense model), under a power limit or without one.
  std::vector<Fact> family_facts(std::optional<Dtype> experts, bool power_limited) const;
};

struct NodeSpec {
  std::string name;
  std::string title;
  DeviceSpec device;
  std::int64_t devices = 0;
  std::int64_t whole_devices = 0;  // Of the whole node, where `devices` are a part of it; else 0.
  std::int64_t nics = 0;
  BytesPerSecond nic_bandwidth;  // Of one NIC, per direction.
  std::string nic;               // Name of the scale-out LinkTechnology; empty = single node only.
  LinkTechnology nic_technology;
  Watts nic_power;
  Watts host_idle;  // CPUs, DRAM, fans, switches inside the node; without accelerators and NICs.
  Watts host_busy;
  double psu_efficiency = 1;
  std::vector<Fact> facts;

  // Devices that its links were made for.
  std::int64_t wired_devices() const { return whole_devices > 0 ? whole_devices : devices; }
};

// The first `count` devices of a node, with the NICs that belong to them and their share of the
// host's power; the whole node for all of them. Requires: 1 <= count <= node.devices.
NodeSpec part_of(const NodeSpec& node, std::int64_t count);

enum class FabricKind { kNone, kRailFatTree, kFatTree, kDragonfly, kTorus };
template <>
inline constexpr auto kWords<FabricKind> = enum_words<FabricKind>({
    {FabricKind::kNone, "none"},
    {FabricKind::kRailFatTree, "rail-fat-tree"},
    {FabricKind::kFatTree, "fat-tree"},
    {FabricKind::kDragonfly, "dragonfly"},
    {FabricKind::kTorus, "torus"},
});

// How traffic chooses among the paths of a fabric.
enum class FabricRouting {
  kSpread,   // Packets over all up-links alike: adaptive routing, packet spraying.
  kEcmp,     // A flow keeps to one of them, picked by a hash of its ends.
  kMinimal,  // The shortest path.
  kValiant,  // By way of a third group or node, picked by a hash of the ends.
};
template <>
inline constexpr auto kWords<FabricRouting> = enum_words<FabricRouting>({
    {FabricRouting::kSpread, "spread"},
    {FabricRouting::kEcmp, "ecmp"},
    {FabricRouting::kMinimal, "minimal"},
    {FabricRouting::kValiant, "valiant"},
});

struct FabricSpec {
  std::string name;
  FabricKind kind = FabricKind::kNone;
  FabricRouting routing = FabricRouting::kSpread;
  std::int64_t switch_ports = 0;
  BytesPerSecond port_bandwidth;  // Of one switch port; a faster NIC takes several ports. Of a link
                                  // of a torus; 0 = the NIC's shared evenly by its neighbours.
  // Fat trees.
  double oversubscription = 1;       // Leaf down-link over up-link bandwidth.
  double core_oversubscription = 1;  // The same of a pod, where there are three levels.
  std::int64_t levels = 3;           // Of switches at most; smaller clusters need fewer.
  // Dragonflies.
  std::int64_t endpoint_ports = 0;  // Ports of a switch that lead to NICs.
  std::int64_t group_switches = 0;  // Switches of a group, each joined to each.
  // Tori.
  std::int64_t dimensions = 0;
  std::vector<std::int64_t> shape;  // Length of each dimension; empty = as cubic as can be.
  Watts switch_power;
  Watts optic_power;        // Of one end of a cable, as the price below.
  double switch_price = 0;  // USD; 0 = not known.
  double optic_price = 0;
  std::string price_date;
  std::vector<Fact> facts;
};

struct SiteSpec {
  std::string name = "unspecified";
  double pue = 1;
  double carbon_kg_per_joule = 0;
  double electricity_usd_per_joule = 0;
  std::vector<Fact> facts;
};

// Errors of predictions beyond those of the numbers that enter them, as measured: factors on the
// time of an engine step, on the power of a device, and on the wait of a client for its first token
// beside the error of the steps.
struct ModelError {
  double step_time = 1;
  double device_power = 1;
  double first_token = 1;
  std::vector<Fact> facts;
};

// Error of a table of measured kernels: a factor on all its times.
struct TableError {
  double kernel_time = 1;
  std::vector<Fact> facts;
};

// Nodes of one kind behind one fabric.
struct ClusterSpec {
  NodeSpec node;
  std::int64_t nodes = 1;
  FabricSpec fabric = {};
  // Of the only node, where the scenario names their number.
  std::optional<std::int64_t> devices = std::nullopt;

  std::int64_t num_devices() const { return node.devices * nodes; }
};

}  // namespace moesim
