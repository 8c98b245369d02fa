// Fat trees, rail-optimised or not: leaves, then spines; or leaves, the spines of a pod, and cores.
//
// Spread traffic sees the up-links of a leaf as one port. With ECMP each is a port of its own, and
// equally numbered up-links of all leaves (of a pod) lead to one plane of spines.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hardware/network/topology_fabric.h"

namespace moesim {
namespace {

// Everything on one switch if it fits; else as many down ports as the oversubscription o leaves.
//   down = floor(ports o / (1 + o))
// Half the ports of a spine with cores above it lead down, so that a pod has ports/2 leaves.
struct Sizes {
  std::int64_t endpoints_per_leaf = 0;  // On a leaf that serves one rail: nodes.
  bool leaf_per_rail = false;
  std::int64_t leaves = 1;
  std::int64_t pods = 1;
  std::int64_t leaves_per_pod = 1;
};

std::int64_t down_ports(const FabricSpec& spec) {
  const double share = spec.oversubscription / (1 + spec.oversubscription);
  return static_cast<std::int64_t>(static_cast<double>(spec.switch_ports) * share);
}

Sizes sizes_of(const FabricEnds& ends, const FabricSpec& spec) {
  Sizes out;
  if (ends.count() * ends.cables <= spec.switch_ports) {
    out.endpoints_per_leaf = ends.count();
    return out;
  }
  out.endpoints_per_leaf = std::max<std::int64_t>(1, down_ports(spec) / ends.cables);
  out.leaf_per_rail = spec.kind == FabricKind::kRailFatTree;
  out.leaves = out.leaf_per_rail ? ends.rails * ceil_div(ends.nodes, out.endpoints_per_leaf)
                                 : ceil_div(ends.count(), out.endpoints_per_leaf);
  out.leaves_per_pod = out.leaves;
  if (out.leaves > spec.switch_ports) {
    out.leaves_per_pod = spec.switch_ports / 2;
    out.pods = ceil_div(out.leaves, out.leaves_per_pod);
  }
  return out;
}

class FatTree : public Fabric {
 public:
  FatTree(const FabricEnds& ends, const FabricSpec& spec)
      : ends_(ends), spec_(spec), sizes_(sizes_of(ends, spec)) {
    count_endpoints();
    if (sizes_.leaves > 1) wire_leaves();
    if (sizes_.pods > 1) wire_pods();
    set_num_switches(sizes_.leaves + sizes_.pods * planes_ + planes_ * most_core_links_);
  }

  std::int32_t switch_of(std::int64_t endpoint) const override {
    const std::int64_t node = endpoint / ends_.rails;
    const std::int64_t rail = endpoint % ends_.rails;
    const std::int64_t leaf = sizes_.leaf_per_rail
                                  ? rail * ceil_div(ends_.nodes, sizes_.endpoints_per_leaf) +
                                        node / sizes_.endpoints_per_leaf
                                  : endpoint / sizes_.endpoints_per_leaf;
    return static_cast<std::int32_t>(leaf);
  }

  void append_route(std::int64_t from, std::int64_t to,
                    std::vector<std::int32_t>& route) const override {
    const std::int64_t a = switch_of(from);
    const std::int64_t b = switch_of(to);
    if (a == b) return;
    const std::uint64_t hash = flow_hash(from, to);
    const std::int64_t plane = picked(hash, std::min(up_links(a), up_links(b)));
    route.push_back(leaf_port(a, plane));
    const std::int64_t pod_a = pod_of(a);
    const std::int64_t pod_b = pod_of(b);
    if (pod_a != pod_b) {
      const std::int64_t link = picked(hash >> 32U, std::min(core_links(pod_a), core_links(pod_b)));
      route.push_back(pod_port(pod_a, plane, link));
      route.push_back(pod_port(pod_b, plane, link) + 1);
    }
    route.push_back(leaf_port(b, plane) + 1);
  }

  std::string port_name(std::int32_t port) const override {
    const char* way = port % 2 == 0 ? "up" : "down";
    const bool spread = spec_.routing != FabricRouting::kEcmp;
    const auto owner = [port](const std::vector<std::int32_t>& first) {
      return std::upper_bound(first.begin(), first.end(), port) - first.begin() - 1;
    };
    if (first_of_pod_.empty() || port < first_of_pod_.front()) {
      const auto leaf = owner(first_of_leaf_);
      if (spread) return fmt::format("leaf {} {}", leaf, way);
      return fmt::format("leaf {} {} {}", leaf, way, (port - first_of_leaf_[leaf]) / 2);
    }
    const auto pod = owner(first_of_pod_);
    if (spread) return fmt::format("pod {} {}", pod, way);
    const std::int64_t link = (port - first_of_pod_[pod]) / 2;
    return fmt::format("pod {} spine {} {} {}", pod, link / core_links(pod), way,
                       link % core_links(pod));
  }

  // Spread traffic sees all cables of a switch as one port.
  std::int64_t cables(std::int32_t port) const override {
    if (spec_.routing == FabricRouting::kEcmp) return 1;
    if (first_of_pod_.empty() || port < first_of_pod_.front()) return physical_up_links(port / 2);
    const std::int64_t first = (port - first_of_pod_.front()) / 2 * sizes_.leaves_per_pod;
    std::int64_t width = 0;
    for (std::int64_t leaf = first; leaf < std::min(first + sizes_.leaves_per_pod, sizes_.leaves);
         ++leaf) {
      width += physical_up_links(leaf);
    }
    return links_above(width, spec_.core_oversubscription);
  }

  // A level of spines with cores above it has one switch for ports/2 links from below, the last
  // level one for each `ports`. Three levels of k-port switches: 5/4 k^2 for k^3/4 ends.
  FabricBill bill() const override {
    FabricBill bill{sizes_.leaves, ends_.count() * ends_.cables,
                    0.5 * static_cast<double>(ends_.count()) * ends_.bandwidth};
    if (sizes_.leaves == 1) return bill;
    std::int64_t width = 0;
    BytesPerSecond up;
    for (std::int64_t leaf = 0; leaf < sizes_.leaves; ++leaf) {
      width += physical_up_links(leaf);
      up += up_bandwidth(leaf);
    }
    if (sizes_.pods > 1) {
      bill.switches += ceil_div(width, spec_.switch_ports / 2);
      bill.cables += width;
      width = links_above(width, spec_.core_oversubscription);
      up /= spec_.core_oversubscription;
    }
    bill.switches += ceil_div(width, spec_.switch_ports);
    bill.cables += width;
    bill.bisection = std::min(bill.bisection, 0.5 * up);
    return bill;
  }

 private:
  static std::int64_t picked(std::uint64_t hash, std::int64_t choices) {
    return static_cast<std::int64_t>((hash & 0xffffffffU) % static_cast<std::uint64_t>(choices));
  }
  static std::int64_t links_above(std::int64_t links, double oversubscription) {
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(links) / oversubscription));
  }

  void count_endpoints() {
    endpoints_.resize(static_cast<std::size_t>(sizes_.leaves));
    for (std::int64_t i = 0; i < ends_.count(); ++i) ++endpoints_[switch_of(i)];
  }
  std::int64_t physical_up_links(std::int64_t leaf) const {
    return links_above(endpoints_[leaf] * ends_.cables, spec_.oversubscription);
  }
  // The bandwidth of its NICs over the oversubscription.
  BytesPerSecond up_bandwidth(std::int64_t leaf) const {
    return static_cast<double>(endpoints_[leaf]) * ends_.bandwidth / spec_.oversubscription;
  }
  std::int64_t up_links(std::int64_t leaf) const {
    return (first_of_leaf_[leaf + 1] - first_of_leaf_[leaf]) / 2;
  }
  std::int64_t pod_of(std::int64_t leaf) const { return leaf / sizes_.leaves_per_pod; }
  std::int64_t core_links(std::int64_t pod) const {
    return (first_of_pod_[pod + 1] - first_of_pod_[pod]) / 2 / planes_;
  }
  std::int32_t leaf_port(std::int64_t leaf, std::int64_t plane) const {
    return first_of_leaf_[leaf] + static_cast<std::int32_t>(2 * plane);
  }
  std::int32_t pod_port(std::int64_t pod, std::int64_t plane, std::int64_t link) const {
    return first_of_pod_[pod] + static_cast<std::int32_t>(2 * (plane * core_links(pod) + link));
  }

  void wire_leaves() {
    for (std::int64_t leaf = 0; leaf < sizes_.leaves; ++leaf) {
      const bool ecmp = spec_.routing == FabricRouting::kEcmp;
      const std::int64_t links = ecmp ? physical_up_links(leaf) : 1;
      planes_ = std::max(planes_, links);
      first_of_leaf_.push_back(first_of_leaf_.back() + static_cast<std::int32_t>(2 * links));
    }
    for (std::int64_t leaf = 0; leaf < sizes_.leaves; ++leaf) {
      const std::int64_t links = up_links(leaf);
      const BytesPerSecond bandwidth = up_bandwidth(leaf) / static_cast<double>(links);
      for (std::int64_t plane = 0; plane < links; ++plane) {
        const std::int64_t spine = sizes_.leaves + pod_of(leaf) * planes_ + plane;
        add_port(leaf, spine, bandwidth);
        add_port(spine, leaf, bandwidth);
      }
    }
  }

  void wire_pods() {
    first_of_pod_.push_back(next_port());
    for (std::int64_t pod = 0; pod < sizes_.pods; ++pod) {
      const std::int64_t first = pod * sizes_.leaves_per_pod;
      const std::int64_t last = std::min(first + sizes_.leaves_per_pod, sizes_.leaves);
      BytesPerSecond up;
      for (std::int64_t leaf = first; leaf < last; ++leaf) up += up_bandwidth(leaf);
      const std::int64_t links = spec_.routing == FabricRouting::kEcmp
                                     ? links_above(last - first, spec_.core_oversubscription)
                                     : 1;
      most_core_links_ = std::max(most_core_links_, links);
      first_of_pod_.push_back(first_of_pod_.back() +
                              static_cast<std::int32_t>(2 * planes_ * links));
      pod_bandwidth_.push_back(up / spec_.core_oversubscription);
    }
    for (std::int64_t pod = 0; pod < sizes_.pods; ++pod) wire_pod(pod);
  }

  void wire_pod(std::int64_t pod) {
    const std::int64_t links = core_links(pod);
    const BytesPerSecond bandwidth = pod_bandwidth_[pod] / static_cast<double>(planes_ * links);
    const std::int64_t first_core = sizes_.leaves + sizes_.pods * planes_;
    for (std::int64_t plane = 0; plane < planes_; ++plane) {
      const std::int64_t spine = sizes_.leaves + pod * planes_ + plane;
      for (std::int64_t link = 0; link < links; ++link) {
        const std::int64_t core = first_core + plane * most_core_links_ + link;
        add_port(spine, core, bandwidth);
        add_port(core, spine, bandwidth);
      }
    }
  }

  FabricEnds ends_;
  FabricSpec spec_;
  Sizes sizes_;
  std::vector<std::int64_t> endpoints_;            // [leaf]
  std::vector<std::int32_t> first_of_leaf_ = {0};  // [leaf] first port; one more at the end.
  std::vector<std::int32_t> first_of_pod_;         // The same; empty with fewer than three levels.
  std::vector<BytesPerSecond> pod_bandwidth_;      // [pod] up.
  std::int64_t planes_ = 1;           // Up-links of a leaf that have names of their own.
  std::int64_t most_core_links_ = 0;  // Of one plane of a pod.
};

}  // namespace

std::vector<ClusterFault> fat_tree_faults(const FabricEnds& ends, const FabricSpec& spec) {
  std::vector<ClusterFault> faults;
  const std::int64_t ports = spec.switch_ports;
  if (ports < 4 || spec.oversubscription < 1 || spec.core_oversubscription < 1) {
    faults.push_back({"fabric", spec.name,
                      "a fabric of switches with 4 ports or more, oversubscribed 1 or more"});
    return faults;
  }
  const Sizes sizes = sizes_of(ends, spec);
  if (sizes.leaves > 1 && down_ports(spec) < ends.cables) {
    faults.push_back({"fabric", spec.name,
                      fmt::format("a leaf of {} ports has {} of them for NICs, but each NIC takes "
                                  "{}: a fabric with more or faster ports",
                                  ports, down_ports(spec), ends.cables)});
    return faults;
  }
  const std::int64_t most_leaves = spec.levels < 3 ? ports : ports * (ports / 2);
  if (sizes.leaves > most_leaves) {
    faults.push_back(
        {"nodes", std::to_string(ends.nodes),
         fmt::format("{} NICs need {} leaves, but {} levels of {}-port switches join "
                     "{}: fewer nodes, or a fabric with more ports or levels",
                     ends.count(), sizes.leaves, spec.levels < 3 ? 2 : 3, ports, most_leaves)});
  }
  return faults;
}

std::unique_ptr<Fabric> make_fat_tree(const FabricEnds& ends, const FabricSpec& spec) {
  return std::make_unique<FatTree>(ends, spec);
}

}  // namespace moesim
