// Link technologies: latencies and reached bandwidth.
#include "hardware/read/profile_tables.h"

namespace moesim {
namespace {

constexpr form::Quantity kLatency{.max = 0.1, .most = "100 ms", .min = 1e-9};
constexpr form::Number kShare{1e-6, 1};
constexpr form::Quantity kVolume{.dimension = Dimension::kBytes, .max = 1e12, .min = 1};
constexpr form::Quantity kBulk{.dimension = Dimension::kBytes, .max = 1e9, .min = 1};
constexpr form::Quantity kEnergyOfByte{
    .dimension = Dimension::kEnergyPerByte, .max = 1e-6, .min = 1e-15};

using L = LinkTechnology;
using enum Enters;

void check_link(ProfileReader& reader, LinkTechnology& link) {
  link.in_switch_reduction = reader.has("reduction_efficiency");
  auto kernels = find_profile("kernels", "all-to-all", nullptr, Fault{}, reader.faults());
  if (!kernels) return;
  kernels->variation = reader.file().variation;
  link.all_to_all = read_all_to_all(*kernels, reader.faults());
}

ProfileKeys<L> bulk_keys() {
  return {uncertain(kTime, key(&L::half_size, "half_size", kVolume, kRequired,
                               "Volume h below which bandwidth falls: V bytes take V/(e B) (1 + "
                               "ramp h/(V + h))")),
          uncertain(kTime, key(&L::ramp, "ramp", form::Number{0.1, 20}, kAsBuilt,
                               "Cost of small volumes, over that of `half_size` alone")),
          uncertain(kTime, key(&L::bulk_start, "bulk_start", kLatency, otherwise("none"),
                               "Delay by which the protocol for bulk starts later than that for "
                               "small volumes")),
          beside("bulk_start", uncertain(kTime, key(&L::bulk_size, "bulk_size", kBulk, kRequired,
                                                    "Bytes of a member from which that is all "
                                                    "lost"))),
          uncertain(kTime, key(&L::reduction_efficiency, "reduction_efficiency", kShare,
                               otherwise("the switch cannot reduce"),
                               "Share of the bandwidth that a reduction in the switch reaches"))};
}

ProfileKeys<L> graph_keys() {
  return {uncertain(kTime,
                    key(&L::graph_start, "graph_start", kLatency, otherwise("no such all-reduce"),
                        "Start of the all-reduce that engines run inside a CUDA graph")),
          beside("graph_start",
                 uncertain(kTime, key(&L::graph_doubling, "graph_doubling", kLatency, kRequired,
                                      "Time that each doubling of the group adds to it"))),
          beside("graph_start",
                 uncertain(kTime, key(&L::graph_efficiency, "graph_efficiency", kShare, kRequired,
                                      "Share of the bandwidth that it reaches"))),
          setting(kEnergy, key(&L::energy_per_byte, "energy_per_byte", kEnergyOfByte, kRequired,
                               "Energy of moving one byte through one port"))};
}

ProfileKeys<L> all_keys() {
  ProfileKeys<L> keys = {
      note<L>("title", "The link in words"),
      given(key(&L::wiring, "wiring", form::Word<LinkWiring>{}, kRequired,
                "Way in which it joins devices: through a switch, each with each (mesh), through "
                "the host (tree), or neighbours only (torus)")),
      uncertain(kTime, key(&L::collective_start, "collective_start", kLatency, kRequired,
                           "Start of a collective as a library benchmark reports it, one kernel "
                           "launch included")),
      uncertain(kTime, key(&L::step, "step", kLatency, kRequired,
                           "Time that each hop of an algorithm adds")),
      uncertain(kTime, key(&L::ring_efficiency, "ring_efficiency", kShare, kRequired,
                           "Share of the bandwidth that ring collectives reach")),
      uncertain(kTime, key(&L::all_to_all_efficiency, "all_to_all_efficiency", kShare, kRequired,
                           "Share of the bandwidth that an all-to-all reaches"))};
  for (const auto& more : {bulk_keys(), graph_keys()}) {
    keys.insert(keys.end(), more.begin(), more.end());
  }
  return keys;
}

}  // namespace

const ProfileKeys<LinkTechnology>& link_keys() {
  static const ProfileKeys<L> kKeys = all_keys();
  return kKeys;
}

const ProfileKeys<AllToAllKernels>& all_to_all_keys() {
  using A = AllToAllKernels;
  static const ProfileKeys<A> kKeys = {
      note<A>("title", "The kernels in words"),
      uncertain(kTime, key(&A::peer_time, "peer_time", kLatency, kRequired,
                           "Time of a sender for each peer in the library's all-to-all")),
      uncertain(kTime,
                key(&A::library_efficiency, "library_efficiency", kShare, kRequired,
                    "Share of a port's bandwidth that the library's all-to-all reaches on the "
                    "link where the shares below were measured")),
      uncertain(kTime, key(&A::low_latency_start, "low_latency_start", kLatency, kRequired,
                           "Start of low-latency dispatch or combine")),
      uncertain(kTime, key(&A::low_latency_efficiency, "low_latency_efficiency", kShare, kRequired,
                           "Share of a port's bandwidth that these reach")),
      uncertain(kTime, key(&A::dispatch_start, "dispatch_start", kLatency, kRequired,
                           "Start of normal dispatch")),
      uncertain(kTime, key(&A::combine_start, "combine_start", kLatency, kRequired,
                           "Start of normal combine")),
      uncertain(kTime, key(&A::normal_efficiency, "normal_efficiency", kShare, kRequired,
                           "Share of a port's bandwidth that normal dispatch and combine reach"))};
  return kKeys;
}

AllToAllKernels read_all_to_all(const ProfileFile& file, Faults& faults) {
  return read_profile(file, all_to_all_keys(), faults);
}

LinkTechnology read_link(const ProfileFile& file, Faults& faults) {
  return read_profile(file, link_keys(), faults, check_link);
}

}  // namespace moesim
