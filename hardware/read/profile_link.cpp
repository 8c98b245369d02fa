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

LinkTechnology read_link(const ProfileFile& file, Faults& faults) {
  return read_profile(file, link_keys(), faults, check_link);
}

}  // namespace moesim
