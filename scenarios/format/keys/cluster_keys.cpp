#include "scenarios/format/keys/cluster_keys.h"

#include "hardware/read/profiles.h"

namespace moesim {
namespace {

constexpr form::Whole kNodes{1, 100'000};  // A torus joins nodes of one device each.
constexpr form::Whole kDevices{1, 100'000};

form::Name nodes() {
  return {[] { return profile_names("nodes"); }, "a node profile, e.g. dgx-h100"};
}

form::Name fabrics() {
  return {[] { return profile_names("fabrics"); }, "a fabric profile, e.g. rail-fat-tree"};
}

// Without a network the cluster's own checks say what is wrong.
std::string shape_fault(const ClusterSpec& cluster) {
  const FabricKind kind = cluster.fabric.kind;
  const bool may_have = kind == FabricKind::kTorus || kind == FabricKind::kNone;
  return may_have ? "" : "only a torus has a shape; leave this out";
}

}  // namespace

const KeyMap<ClusterSpec>& cluster_keys() {
  using C = ClusterSpec;
  static const KeyMap<C> map = {
      "{node: dgx-h100, nodes: 1}",
      {
          key("node", nodes(), kRequired, "A node of `moesim list hardware`, or a file"),
          key(&C::nodes, "nodes", kNodes, kAsBuilt, "Number of nodes"),
          key(&C::devices, "devices", kDevices, otherwise("all of them"),
              "Devices of a part of one node, at most as many as it has: the first "
              "ones, with their links and NICs and their share of the host's power",
              Applies<C>{"without `nodes`"}),
          key("fabric", fabrics(), otherwise("rail-fat-tree between several nodes"),
              "Network between nodes"),
          key(path(&C::fabric, &FabricSpec::routing), "routing", form::Word<FabricRouting>{},
              otherwise("the fabric's"),
              "How the fabric chooses routes: spread or ecmp on fat trees, minimal or valiant on "
              "dragonflies and tori"),
          key(path(&C::fabric, &FabricSpec::shape), "shape", form::Wholes{kTorusLength},
              otherwise("as cubic as can be"), "Lengths of a torus, e.g. [4, 4, 4]",
              Applies<C>{"with a torus", shape_fault}),
      }};
  return map;
}

KeyFacts cluster_key() {
  return key("cluster", cluster_keys().form(), kRequired,
             "The machines that the case has for itself");
}

}  // namespace moesim
