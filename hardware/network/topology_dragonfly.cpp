// Dragonflies: groups of switches that are all joined to each other, and groups that are all joined
// to each other. Source: Kim, Dally, Scott, Abts, "Technology-driven, highly-scalable dragonfly
// topology", ISCA 2008.
//
// With a switches of h global ports to a group, link j of a group (of its switch j / h) leads to
// the group 1 + j mod (G - 1) further on, so that any two groups share K = a h / (G - 1) links.
#include <fmt/format.h>

#include <algorithm>

#include "hardware/network/topology_fabric.h"

namespace moesim {
namespace {

struct Sizes {
  std::int64_t endpoints_per_switch = 1;
  std::int64_t switches = 1;  // Of a group.
  std::int64_t groups = 1;
  std::int64_t global_ports = 0;  // Of a switch.
  std::int64_t links = 0;         // Between two groups.
};

Sizes sizes_of(const FabricEnds& ends, const FabricSpec& spec) {
  Sizes out;
  out.endpoints_per_switch = std::max<std::int64_t>(1, spec.endpoint_ports / ends.cables);
  out.switches = spec.group_switches;
  out.global_ports = spec.switch_ports - spec.endpoint_ports - (spec.group_switches - 1);
  out.groups = ceil_div(ends.count(), out.endpoints_per_switch * out.switches);
  if (out.groups == 1) {
    out.switches = ceil_div(ends.count(), out.endpoints_per_switch);
  } else {
    out.links = out.switches * out.global_ports / (out.groups - 1);
  }
  return out;
}

class Dragonfly : public Fabric {
 public:
  Dragonfly(const FabricEnds& ends, const FabricSpec& spec)
      : ends_(ends), spec_(spec), sizes_(sizes_of(ends, spec)) {
    set_num_switches(sizes_.groups * sizes_.switches);
    for (std::int64_t s = 0; s < num_switches(); ++s) {
      const std::int64_t first = s - s % sizes_.switches;
      for (std::int64_t peer = first; peer < first + sizes_.switches; ++peer) {
        if (peer != s) add_port(s, peer, spec_.port_bandwidth);
      }
    }
    first_global_ = next_port();
    for (std::int64_t group = 0; group < sizes_.groups; ++group) {
      for (std::int64_t link = 0; link < links_of_group(); ++link) {
        add_port(gateway(group, link), gateway(peer_of(group, link), back(link)),
                 spec_.port_bandwidth);
      }
    }
  }

  std::int32_t switch_of(std::int64_t endpoint) const override {
    return static_cast<std::int32_t>(endpoint / sizes_.endpoints_per_switch);
  }

  void append_route(std::int64_t from, std::int64_t to,
                    std::vector<std::int32_t>& route) const override {
    const std::int64_t a = switch_of(from);
    const std::int64_t b = switch_of(to);
    const std::int64_t group_a = a / sizes_.switches;
    const std::int64_t group_b = b / sizes_.switches;
    if (spec_.routing != FabricRouting::kValiant || group_a == group_b) {
      append_minimal(a, b, route);
      return;
    }
    const std::uint64_t hash = flow_hash(from, to);
    auto between = static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(sizes_.groups - 2));
    if (between >= std::min(group_a, group_b)) ++between;
    if (between >= std::max(group_a, group_b)) ++between;
    append_minimal(append_crossing(a, between, copy_of(a, b), route), b, route);
  }

  std::string port_name(std::int32_t port) const override {
    const FabricPort& wire = ports()[port];
    const std::int64_t switches = sizes_.switches;
    if (port < first_global_) {
      return fmt::format("group {} switch {} to switch {}", wire.from / switches,
                         wire.from % switches, wire.to % switches);
    }
    return fmt::format("group {} switch {} to group {}", wire.from / switches, wire.from % switches,
                       wire.to / switches);
  }

  // Two halves of the groups, or of the switches of a single group.
  FabricBill bill() const override {
    const std::int64_t members = sizes_.groups > 1 ? sizes_.groups : sizes_.switches;
    const std::int64_t links = sizes_.groups > 1 ? sizes_.links : 1;
    const std::int64_t cut = (members / 2) * ceil_div(members, 2) * links;
    BytesPerSecond bisection = 0.5 * static_cast<double>(ends_.count()) * ends_.bandwidth;
    if (members > 1) {
      bisection = std::min(bisection, static_cast<double>(cut) * spec_.port_bandwidth);
    }
    return {num_switches(), ends_.count() * ends_.cables + next_port() / 2, bisection};
  }

 private:
  std::int64_t links_of_group() const { return sizes_.links * (sizes_.groups - 1); }
  std::int64_t gateway(std::int64_t group, std::int64_t link) const {
    return group * sizes_.switches + link / sizes_.global_ports;
  }
  std::int64_t peer_of(std::int64_t group, std::int64_t link) const {
    return (group + 1 + link % (sizes_.groups - 1)) % sizes_.groups;
  }
  // The number that the peer's group has for the same link.
  std::int64_t back(std::int64_t link) const {
    const std::int64_t others = sizes_.groups - 1;
    return link - link % others + others - 1 - link % others;
  }
  // Which of the links between their groups two switches use: all alike, over all pairs.
  std::int64_t copy_of(std::int64_t a, std::int64_t b) const {
    return (a % sizes_.switches + b % sizes_.switches) % sizes_.links;
  }

  void append_local(std::int64_t a, std::int64_t b, std::vector<std::int32_t>& route) const {
    if (a == b) return;
    const std::int64_t peer = b % sizes_.switches - (b > a ? 1 : 0);
    route.push_back(static_cast<std::int32_t>(a * (sizes_.switches - 1) + peer));
  }

  // From a switch into another group; returns the switch where that ends.
  std::int64_t append_crossing(std::int64_t a, std::int64_t group, std::int64_t copy,
                               std::vector<std::int32_t>& route) const {
    const std::int64_t own = a / sizes_.switches;
    const std::int64_t ahead = (group - own + sizes_.groups) % sizes_.groups;
    const std::int64_t link = copy * (sizes_.groups - 1) + ahead - 1;
    append_local(a, gateway(own, link), route);
    const auto port = static_cast<std::int32_t>(first_global_ + own * links_of_group() + link);
    route.push_back(port);
    return ports()[port].to;
  }

  // A local link, a global one, a local one; each only where it is needed.
  void append_minimal(std::int64_t a, std::int64_t b, std::vector<std::int32_t>& route) const {
    const std::int64_t group = b / sizes_.switches;
    const bool crosses = a / sizes_.switches != group;
    append_local(crosses ? append_crossing(a, group, copy_of(a, b), route) : a, b, route);
  }

  FabricEnds ends_;
  FabricSpec spec_;
  Sizes sizes_;
  std::int64_t first_global_ = 0;
};

}  // namespace

std::vector<ClusterFault> dragonfly_faults(const FabricEnds& ends, const FabricSpec& spec) {
  const auto fault = [&spec](const std::string& allowed) {
    return std::vector<ClusterFault>{{"fabric", spec.name, allowed}};
  };
  if (spec.endpoint_ports < ends.cables || spec.group_switches < 1) {
    return fault(
        fmt::format("a NIC takes {} ports, a switch has {} for NICs: a fabric with more "
                    "endpoint_ports or faster ports",
                    ends.cables, spec.endpoint_ports));
  }
  const Sizes sizes = sizes_of(ends, spec);
  if (sizes.global_ports < 0 || (sizes.groups > 1 && sizes.global_ports == 0)) {
    return fault(
        fmt::format("{} endpoint ports and {} to the switches of the group leave {} of {} "
                    "ports to join {} groups: a fabric with more switch_ports",
                    spec.endpoint_ports, spec.group_switches - 1, sizes.global_ports,
                    spec.switch_ports, sizes.groups));
  }
  if (sizes.groups > 1 && sizes.links == 0) {
    const std::int64_t most = sizes.switches * sizes.global_ports + 1;
    return {{"nodes", std::to_string(ends.nodes),
             fmt::format("{} NICs need {} groups, but {} global links of a group join {}: at most "
                         "{} nodes, or a fabric with more switch_ports",
                         ends.count(), sizes.groups, most - 1, most,
                         most * sizes.switches * sizes.endpoints_per_switch / ends.rails)}};
  }
  if (spec.routing == FabricRouting::kValiant && sizes.groups < 3) {
    return {{"routing", "valiant",
             fmt::format("minimal: {} NICs make {} of a dragonfly's groups, and a detour needs a "
                         "third",
                         ends.count(), sizes.groups)}};
  }
  return {};
}

std::unique_ptr<Fabric> make_dragonfly(const FabricEnds& ends, const FabricSpec& spec) {
  return std::make_unique<Dragonfly>(ends, spec);
}

}  // namespace moesim
