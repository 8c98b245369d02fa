#include "hardware/network/fabric_links.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace moesim {

FabricLinks::FabricLinks(const ClusterSpec& cluster)
    : layout_(lay_out(cluster)), fabric_(make_fabric(cluster)) {}

std::vector<std::int32_t> FabricLinks::named(const std::string& name) const {
  std::vector<std::int32_t> found;
  if (name.empty()) return found;
  std::set<std::pair<std::int32_t, std::int32_t>> opposite;
  const auto count = static_cast<std::int32_t>(fabric_->ports().size());
  for (std::int32_t port = 0; port < count; ++port) {
    const std::string own = fabric_->port_name(port);
    if (own != name && !own.starts_with(name + " ")) continue;
    const FabricPort& link = fabric_->ports()[static_cast<std::size_t>(port)];
    found.push_back(port);
    opposite.emplace(link.to, link.from);
  }
  for (std::int32_t port = 0; port < count && !opposite.empty(); ++port) {
    const FabricPort& link = fabric_->ports()[static_cast<std::size_t>(port)];
    if (opposite.contains({link.from, link.to})) found.push_back(port);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::string FabricLinks::names() const {
  const auto count = static_cast<std::int32_t>(fabric_->ports().size());
  if (count == 0) return "none, as all NICs meet in one switch";
  return fmt::format("one of {} names from {} to {}, or their first words", count,
                     fabric_->port_name(0), fabric_->port_name(count - 1));
}

bool FabricLinks::pass(std::int64_t from, std::int64_t to,
                       const std::vector<std::int32_t>& ports) const {
  if (layout_.node_of(from) == layout_.node_of(to)) return false;
  std::vector<std::int32_t> route;
  fabric_->append_route(layout_.nic_of(layout_.sender_to(from, to)), layout_.nic_of(to), route);
  return std::any_of(route.begin(), route.end(), [&](std::int32_t port) {
    return std::binary_search(ports.begin(), ports.end(), port);
  });
}

}  // namespace moesim
