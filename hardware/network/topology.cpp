#include "hardware/network/topology.h"

#include <algorithm>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/range/iterator_range.hpp>
#include <limits>
#include <stdexcept>
#include <utility>

#include "hardware/network/topology_layout.h"

namespace moesim {
namespace {

using VertexId = std::uint32_t;
struct Edge {
  std::int32_t port = Wire::kNoPort;
};
using DirectedGraph =
    boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, Edge,
                                       boost::no_property, VertexId, std::uint32_t>;

}  // namespace

struct Topology::Graph {
  TopologyLayout layout;
  std::unique_ptr<Fabric> fabric;
  FabricBill bill;
  std::vector<Port> ports;
  std::vector<std::int32_t> first_port;  // [device]
  std::int32_t first_nic_port = 0;
  std::int32_t first_fabric_port = 0;
  std::vector<std::pair<VertexId, VertexId>> ends;
  std::vector<Edge> edges;
  DirectedGraph wires;

  // Vertices in this order: devices, scale-up switches, hosts, NICs, switches of the fabric.
  VertexId device(std::int64_t i) const { return static_cast<VertexId>(i); }
  VertexId scale_up(std::int64_t d) const {
    const std::int64_t domains = ceil_div(layout.per_node, layout.domain);
    const std::int64_t domain = layout.node_of(d) * domains + d % layout.per_node / layout.domain;
    return static_cast<VertexId>(layout.devices + domain);
  }
  VertexId host(std::int64_t node) const {
    const std::int64_t domains = layout.nodes * ceil_div(layout.per_node, layout.domain);
    return static_cast<VertexId>(layout.devices + domains + node);
  }
  VertexId nic(std::int64_t i) const { return host(layout.nodes) + static_cast<VertexId>(i); }
  VertexId fabric_switch(std::int64_t i) const {
    return nic(layout.ends.count()) + static_cast<VertexId>(i);
  }

  explicit Graph(const ClusterSpec& cluster) : layout(lay_out(cluster)) {
    add_devices(cluster.node.device);
    if (layout.has_network) {
      fabric = make_fabric(cluster);
      bill = fabric->bill();
      add_nics();
      add_fabric();
    }
    const std::int64_t switches = fabric ? fabric->num_switches() : 0;
    wires = DirectedGraph(boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(),
                          edges.begin(), fabric_switch(switches));
    ends = {};
    edges = {};
    check_joined();
  }

  void connect(VertexId from, VertexId to) {
    ends.emplace_back(from, to);
    edges.push_back({});
  }
  void connect(VertexId from, VertexId to, Port port) {
    ends.emplace_back(from, to);
    edges.push_back({static_cast<std::int32_t>(ports.size())});
    ports.push_back(std::move(port));
  }
  std::int32_t next_port() const { return static_cast<std::int32_t>(ports.size()); }
  std::string name_of(std::int64_t d) const {
    return "node " + std::to_string(layout.node_of(d)) + " gpu " +
           std::to_string(d % layout.per_node);
  }

  // Ports of a device: its mesh links or scale-up out and in, then host out and in.
  void add_devices(const DeviceSpec& spec) {
    const bool is_tree = spec.link_technology.wiring == LinkWiring::kTree;
    const BytesPerSecond host_bandwidth = is_tree ? spec.link_bandwidth : spec.host_bandwidth;
    for (std::int64_t d = 0; d < layout.devices; ++d) {
      first_port.push_back(next_port());
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
    first_port.push_back(next_port());
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
    first_nic_port = next_port();
    const std::int64_t rails = layout.ends.rails;
    for (std::int64_t i = 0; i < layout.ends.count(); ++i) {
      const std::string name =
          "node " + std::to_string(i / rails) + " nic " + std::to_string(i % rails);
      const VertexId edge_switch = fabric_switch(fabric->switch_of(i));
      connect(nic(i), edge_switch, {name + " out", PortClass::kNic, layout.ends.bandwidth});
      connect(edge_switch, nic(i), {name + " in", PortClass::kNic, layout.ends.bandwidth});
    }
  }

  void add_fabric() {
    first_fabric_port = next_port();
    const auto count = static_cast<std::int32_t>(fabric->ports().size());
    for (std::int32_t i = 0; i < count; ++i) {
      const FabricPort& port = fabric->ports()[static_cast<std::size_t>(i)];
      connect(fabric_switch(port.from), fabric_switch(port.to),
              {fabric->port_name(i), PortClass::kFabric, port.bandwidth});
    }
  }

  // Every device must reach every other.
  void check_joined() const {
    std::vector<VertexId> component(boost::num_vertices(wires));
    boost::strong_components(wires, boost::make_iterator_property_map(
                                        component.begin(), boost::get(boost::vertex_index, wires)));
    for (std::int64_t d = 1; d < layout.devices; ++d) {
      if (component[static_cast<std::size_t>(d)] != component[0]) {
        throw std::invalid_argument("the fabric does not join node 0 and node " +
                                    std::to_string(layout.node_of(d)));
      }
    }
  }

  // Of the devices of a mesh, all but the sender have a port.
  std::int32_t mesh_port(std::int64_t from, std::int64_t to) const {
    const std::int64_t place = to % layout.per_node % layout.domain;
    const std::int64_t own = from % layout.per_node % layout.domain;
    return first_port[static_cast<std::size_t>(from)] +
           static_cast<std::int32_t>(place < own ? place : place - 1);
  }
  std::int32_t scale_up_out(std::int64_t d) const {
    return first_port[static_cast<std::size_t>(d)];
  }
  std::int32_t host_out(std::int64_t d) const {
    return first_port[static_cast<std::size_t>(d) + 1] - 2;
  }

  // Ports from one device of a node to another.
  void append_local(std::int64_t from, std::int64_t to, std::vector<std::int32_t>& out) const {
    if (!layout.same_domain(from, to)) {
      out.push_back(host_out(from));
      out.push_back(host_out(to) + 1);
    } else if (layout.has_mesh) {
      out.push_back(mesh_port(from, to));
    } else {
      out.push_back(scale_up_out(from));
      out.push_back(scale_up_out(to) + 1);
    }
  }

  void append_remote(std::int64_t from, std::int64_t to, std::vector<std::int32_t>& out) const {
    const std::int64_t sender = layout.sender_to(from, to);
    if (sender != from) append_local(from, sender, out);
    if (layout.has_host_ports) out.push_back(host_out(sender));
    const std::int64_t nic_out = layout.nic_of(sender);
    const std::int64_t nic_in = layout.nic_of(to);
    out.push_back(first_nic_port + static_cast<std::int32_t>(2 * nic_out));
    const std::size_t before = out.size();
    fabric->append_route(nic_out, nic_in, out);
    for (std::size_t i = before; i < out.size(); ++i) out[i] += first_fabric_port;
    out.push_back(first_nic_port + static_cast<std::int32_t>(2 * nic_in + 1));
    if (layout.has_host_ports) out.push_back(host_out(to) + 1);
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

std::vector<std::int32_t> Topology::route(std::int64_t from, std::int64_t to) const {
  if (from < 0 || to < 0 || from >= num_devices() || to >= num_devices()) {
    throw std::logic_error("route between devices that are not there");
  }
  std::vector<std::int32_t> ports;
  if (from == to) return ports;
  if (same_node(from, to)) {
    graph_->append_local(from, to, ports);
  } else {
    graph_->append_remote(from, to, ports);
  }
  return ports;
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

const FabricBill& Topology::bill() const {
  return graph_->bill;
}

std::int64_t Topology::num_vertices() const {
  return static_cast<std::int64_t>(boost::num_vertices(graph_->wires));
}

std::vector<Wire> Topology::wires() const {
  const DirectedGraph& wires = graph_->wires;
  std::vector<Wire> out;
  for (const auto& edge : boost::make_iterator_range(boost::edges(wires))) {
    out.push_back({static_cast<std::int64_t>(boost::source(edge, wires)),
                   static_cast<std::int64_t>(boost::target(edge, wires)), wires[edge].port});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Wire& a, const Wire& b) { return a.port < b.port; });
  return out;
}

}  // namespace moesim
