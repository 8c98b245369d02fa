#include "hardware/topology.h"

#include <algorithm>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <limits>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "hardware/topology_layout.h"

namespace moesim {
namespace {

constexpr std::int32_t kNoPort = -1;  // An edge that is no shared resource, such as device to NIC.

using VertexId = std::uint32_t;
struct Edge {
  std::int32_t port = kNoPort;
};
using DirectedGraph =
    boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Edge,
                                       boost::no_property, VertexId, std::uint32_t>;

}  // namespace

struct Topology::Graph {
  TopologyLayout layout;
  std::vector<Port> ports;
  std::vector<std::pair<VertexId, VertexId>> ends;
  std::vector<Edge> edges;
  DirectedGraph wires;
  std::int64_t switches = 0;
  std::int64_t optic_ends = 0;
  std::unordered_map<std::uint64_t, std::vector<std::int32_t>> routes;

  // Vertices in this order: devices, scale-up switches, hosts, NICs, leaves, one spine for all.
  VertexId device(std::int64_t i) const { return static_cast<VertexId>(i); }
  VertexId scale_up(std::int64_t d) const {
    const std::int64_t domain =
        layout.node_of(d) * layout.per_node + d % layout.per_node / layout.domain;
    return static_cast<VertexId>(layout.devices + domain);
  }
  VertexId host(std::int64_t node) const {
    return static_cast<VertexId>(2 * layout.devices + node);
  }
  VertexId nic(std::int64_t i) const {
    return static_cast<VertexId>(2 * layout.devices + layout.nodes + i);
  }
  VertexId leaf(std::int64_t i) const { return nic(layout.nodes * layout.rails + i); }
  VertexId spine() const { return leaf(layout.leaves); }

  explicit Graph(const ClusterSpec& cluster) : layout(lay_out(cluster)) {
    add_devices(cluster.node.device);
    if (layout.has_network) {
      add_nics();
      add_fabric(cluster.fabric);
      count_switches(cluster.fabric);
    }
    wires = DirectedGraph(boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(),
                          edges.begin(), spine() + 1);
    ends = {};
    edges = {};
  }

  void connect(VertexId from, VertexId to) {
    ends.emplace_back(from, to);
    edges.push_back({kNoPort});
  }
  void connect(VertexId from, VertexId to, Port port) {
    ends.emplace_back(from, to);
    edges.push_back({static_cast<std::int32_t>(ports.size())});
    ports.push_back(std::move(port));
  }
  std::string name_of(std::int64_t d) const {
    return "node " + std::to_string(layout.node_of(d)) + " gpu " +
           std::to_string(d % layout.per_node);
  }

  void add_devices(const DeviceSpec& spec) {
    const bool is_tree = spec.link_technology.wiring == LinkWiring::kTree;
    const BytesPerSecond host_bandwidth = is_tree ? spec.link_bandwidth : spec.host_bandwidth;
    for (std::int64_t d = 0; d < layout.devices; ++d) {
      if (layout.has_mesh) {
        add_mesh_links(d, spec);
      } else if (layout.has_scale_up) {
        const BytesPerSecond bandwidth = spec.link_bandwidth;
        connect(device(d), scale_up(d),
                {name_of(d) + " scale-up out", PortClass::kScaleUp, bandwidth});
        connect(scale_up(d), device(d),
                {name_of(d) + " scale-up in", PortClass::kScaleUp, bandwidth});
      }
      if (layout.has_host_ports) {
        const VertexId root = host(layout.node_of(d));
        connect(device(d), root, {name_of(d) + " host out", PortClass::kScaleUp, host_bandwidth});
        connect(root, device(d), {name_of(d) + " host in", PortClass::kScaleUp, host_bandwidth});
      }
    }
  }

  void add_mesh_links(std::int64_t d, const DeviceSpec& spec) {
    const auto peers = static_cast<double>(std::max<std::int64_t>(1, spec.link_domain - 1));
    const BytesPerSecond bandwidth = spec.link_bandwidth / peers;
    const std::int64_t first = d - d % layout.per_node;
    for (std::int64_t peer = first; peer < first + layout.per_node; ++peer) {
      if (peer == d || !layout.same_domain(d, peer)) continue;
      const std::string name = name_of(d) + " to gpu " + std::to_string(peer - first);
      connect(device(d), device(peer), {name, PortClass::kScaleUp, bandwidth});
    }
  }

  void add_nics() {
    for (std::int64_t d = 0; d < layout.devices; ++d) {
      const VertexId card = nic(layout.nic_of(d));
      if (!layout.has_host_ports) {
        connect(device(d), card);
        connect(card, device(d));
      } else if (d % layout.per_node % layout.devices_per_rail == 0) {
        connect(host(layout.node_of(d)), card);
        connect(card, host(layout.node_of(d)));
      }
    }
    for (std::int64_t i = 0; i < layout.nodes * layout.rails; ++i) {
      const std::string name =
          "node " + std::to_string(i / layout.rails) + " nic " + std::to_string(i % layout.rails);
      const VertexId edge_switch = leaf(layout.leaf_of_nic(i));
      connect(nic(i), edge_switch, {name + " out", PortClass::kNic, layout.nic_bandwidth});
      connect(edge_switch, nic(i), {name + " in", PortClass::kNic, layout.nic_bandwidth});
    }
  }

  std::vector<std::int64_t> endpoints_of_leaves() const {
    std::vector<std::int64_t> endpoints(static_cast<std::size_t>(layout.leaves));
    for (std::int64_t i = 0; i < layout.nodes * layout.rails; ++i) {
      ++endpoints[static_cast<std::size_t>(layout.leaf_of_nic(i))];
    }
    return endpoints;
  }

  // Up-link bandwidth of a leaf = its NICs' bandwidth / oversubscription.
  void add_fabric(const FabricSpec& fabric) {
    if (layout.leaves == 1) return;
    const std::vector<std::int64_t> endpoints = endpoints_of_leaves();
    for (std::int64_t i = 0; i < layout.leaves; ++i) {
      const auto nics = static_cast<double>(endpoints[static_cast<std::size_t>(i)]);
      const BytesPerSecond bandwidth = nics * layout.nic_bandwidth / fabric.oversubscription;
      const std::string name = "leaf " + std::to_string(i);
      connect(leaf(i), spine(), {name + " up", PortClass::kFabric, bandwidth});
      connect(spine(), leaf(i), {name + " down", PortClass::kFabric, bandwidth});
    }
  }

  // A full level above `groups` switches has width / (ports / 2) switches, half of whose ports lead
  // on up; the last level has width / ports. Three levels of k-port switches: 5/4 k^2 for k^3/4
  // ends.
  void count_switches(const FabricSpec& fabric) {
    const std::int64_t ends_down = layout.nodes * layout.rails * layout.cables_per_nic;
    switches = layout.leaves;
    std::int64_t cables = ends_down;
    if (layout.leaves > 1) {
      std::int64_t width = 0;
      for (std::int64_t endpoints : endpoints_of_leaves()) {
        const auto down = static_cast<double>(endpoints * layout.cables_per_nic);
        width += static_cast<std::int64_t>(std::ceil(down / fabric.oversubscription));
      }
      const std::int64_t half = fabric.switch_ports / 2;
      for (std::int64_t groups = layout.leaves; groups > fabric.switch_ports;
           groups = ceil_div(groups, half)) {
        switches += ceil_div(width, half);
        cables += width;
      }
      switches += ceil_div(width, fabric.switch_ports);
      cables += width;
    }
    optic_ends = 2 * cables;
  }

  // Appends the stops from `from` (already there) to `to` inside a node.
  void append_local(std::vector<VertexId>& stops, std::int64_t from, std::int64_t to) const {
    if (!layout.same_domain(from, to)) {
      stops.push_back(host(layout.node_of(from)));
    } else if (!layout.has_mesh) {
      stops.push_back(scale_up(from));
    }
    stops.push_back(device(to));
  }

  std::vector<VertexId> stops_between(std::int64_t from, std::int64_t to) const {
    std::vector<VertexId> stops = {device(from)};
    if (layout.node_of(from) == layout.node_of(to)) {
      append_local(stops, from, to);
      return stops;
    }
    std::int64_t sender = from;
    if (layout.has_pxn && layout.rail_of(from) != layout.rail_of(to)) {
      sender = from - from % layout.per_node + to % layout.per_node;
      append_local(stops, from, sender);
    }
    if (layout.has_host_ports) stops.push_back(host(layout.node_of(sender)));
    const std::int64_t nic_out = layout.nic_of(sender);
    const std::int64_t nic_in = layout.nic_of(to);
    const std::int64_t leaf_out = layout.leaf_of_nic(nic_out);
    const std::int64_t leaf_in = layout.leaf_of_nic(nic_in);
    stops.push_back(nic(nic_out));
    stops.push_back(leaf(leaf_out));
    if (leaf_out != leaf_in) {
      stops.push_back(spine());
      stops.push_back(leaf(leaf_in));
    }
    stops.push_back(nic(nic_in));
    if (layout.has_host_ports) stops.push_back(host(layout.node_of(to)));
    stops.push_back(device(to));
    return stops;
  }

  std::vector<std::int32_t> ports_along(const std::vector<VertexId>& stops) const {
    std::vector<std::int32_t> out;
    for (std::size_t i = 0; i + 1 < stops.size(); ++i) {
      const auto [edge, exists] = boost::edge(stops[i], stops[i + 1], wires);
      if (!exists) throw std::logic_error("a route uses a wire that is not there");
      if (wires[edge].port != kNoPort) out.push_back(wires[edge].port);
    }
    return out;
  }
};

Topology::Topology(const ClusterSpec& cluster) : graph_(std::make_unique<Graph>(cluster)) {}
Topology::~Topology() = default;
Topology::Topology(Topology&&) noexcept = default;

std::int64_t Topology::num_devices() const {
  return graph_->layout.devices;
}

const std::vector<Port>& Topology::ports() const {
  return graph_->ports;
}

const std::vector<std::int32_t>& Topology::route(std::int64_t from, std::int64_t to) const {
  if (from < 0 || to < 0 || from >= num_devices() || to >= num_devices()) {
    throw std::logic_error("route between devices that are not there");
  }
  const auto key = static_cast<std::uint64_t>(from) << 32 | static_cast<std::uint64_t>(to);
  const auto known = graph_->routes.find(key);
  if (known != graph_->routes.end()) return known->second;
  std::vector<std::int32_t> ports;
  if (from != to) ports = graph_->ports_along(graph_->stops_between(from, to));
  return graph_->routes.emplace(key, std::move(ports)).first->second;
}

BytesPerSecond Topology::route_bandwidth(std::int64_t from, std::int64_t to) const {
  BytesPerSecond least(std::numeric_limits<double>::infinity());
  for (std::int32_t port : route(from, to)) {
    least = std::min(least, graph_->ports[static_cast<std::size_t>(port)].bandwidth);
  }
  return least;
}

std::int64_t Topology::node_of(std::int64_t device) const {
  return graph_->layout.node_of(device);
}

std::int64_t Topology::num_fabric_switches() const {
  return graph_->switches;
}

std::int64_t Topology::num_optic_ends() const {
  return graph_->optic_ends;
}

}  // namespace moesim
