// Tori: every endpoint is its own router and joined to its neighbours along each dimension, which
// closes to a ring. Traffic goes one dimension after the other, the shorter way round; over half a
// ring, endpoints of even position go up and those of odd position down.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hardware/network/topology_fabric.h"

namespace moesim {
namespace {

using Shape = std::vector<std::int64_t>;

// Links of an endpoint along a dimension: none, one to its only neighbour, or one each way.
std::int64_t links_along(std::int64_t length) {
  return std::min<std::int64_t>(length - 1, 2);
}

// The factors of `count` with the smallest sum, the longest last. Greedy, from the largest divisor
// not above the root.
Shape most_cubic(std::int64_t count, std::int64_t dimensions) {
  Shape shape;
  for (std::int64_t left = dimensions; left > 1; --left) {
    const double root = std::pow(static_cast<double>(count), 1.0 / static_cast<double>(left));
    auto length = static_cast<std::int64_t>(root + 1e-9);
    while (count % length != 0) --length;
    shape.push_back(length);
    count /= length;
  }
  shape.push_back(count);
  return shape;
}

Shape shape_of(const FabricEnds& ends, const FabricSpec& spec) {
  return spec.shape.empty() ? most_cubic(ends.count(), spec.dimensions) : spec.shape;
}

class Torus : public Fabric {
 public:
  Torus(const FabricEnds& ends, const FabricSpec& spec)
      : ends_(ends), spec_(spec), shape_(shape_of(ends, spec)), stride_(shape_.size(), 1) {
    for (std::size_t k = shape_.size(); k-- > 1;) stride_[k - 1] = stride_[k] * shape_[k];
    for (const std::int64_t length : shape_) {
      first_link_.push_back(degree_);
      degree_ += links_along(length);
    }
    bandwidth_ = spec.port_bandwidth;
    if (bandwidth_.value() <= 0) {
      bandwidth_ = ends.bandwidth / (2 * static_cast<double>(shape_.size()));
    }
    set_num_switches(ends.count());
    for (std::int64_t at = 0; at < ends.count(); ++at) {
      for (std::size_t k = 0; k < shape_.size(); ++k) {
        for (std::int64_t way = 0; way < links_along(shape_[k]); ++way) {
          add_port(at, moved(at, k, way == 0 ? 1 : -1), bandwidth_);
        }
      }
    }
  }

  std::int32_t switch_of(std::int64_t endpoint) const override {
    return static_cast<std::int32_t>(endpoint);
  }

  void append_route(std::int64_t from, std::int64_t to,
                    std::vector<std::int32_t>& route) const override {
    if (spec_.routing != FabricRouting::kValiant || from == to) {
      append_minimal(from, to, route);
      return;
    }
    auto between = static_cast<std::int64_t>(flow_hash(from, to) %
                                             static_cast<std::uint64_t>(ends_.count() - 2));
    if (between >= std::min(from, to)) ++between;
    if (between >= std::max(from, to)) ++between;
    append_minimal(from, between, route);
    append_minimal(between, to, route);
  }

  std::string port_name(std::int32_t port) const override {
    const std::int64_t at = port / degree_;
    std::string place;
    for (std::size_t k = 0; k < shape_.size(); ++k) {
      place += (k == 0 ? "" : ",") + std::to_string(position(at, k));
    }
    const auto k = std::upper_bound(first_link_.begin(), first_link_.end(), port % degree_) -
                   first_link_.begin() - 1;
    return fmt::format("torus {} axis {} {}", place, k,
                       port % degree_ == first_link_[k] ? "up" : "down");
  }

  // The cut across one dimension parts each of its rings twice, or once if they are but a pair.
  FabricBill bill() const override {
    BytesPerSecond bisection = 0.5 * static_cast<double>(ends_.count()) * ends_.bandwidth;
    for (const std::int64_t length : shape_) {
      if (length == 1) continue;
      const std::int64_t cut = links_along(length) * (ends_.count() / length);
      bisection = std::min(bisection, static_cast<double>(cut) * bandwidth_);
    }
    return {0, next_port() / 2, bisection};
  }

  // A group that fills a box runs one ring per dimension at once, each with its share of the data.
  // Around a whole dimension the ring runs both ways; along a part of it the ring takes one
  // direction out and the other back.
  std::optional<BytesPerSecond> ring_bandwidth(
      std::span<const std::int64_t> endpoints) const override {
    std::int64_t links = 0;
    std::int64_t volume = 1;
    for (std::size_t k = 0; k < shape_.size(); ++k) {
      std::int64_t low = shape_[k];
      std::int64_t high = 0;
      for (const std::int64_t at : endpoints) {
        low = std::min(low, position(at, k));
        high = std::max(high, position(at, k));
      }
      const std::int64_t extent = high - low + 1;
      volume *= extent;
      if (extent > 1) links += extent == shape_[k] ? links_along(extent) : 1;
    }
    if (volume != static_cast<std::int64_t>(endpoints.size())) return std::nullopt;
    return static_cast<double>(links) * bandwidth_;
  }

 private:
  std::int64_t position(std::int64_t at, std::size_t k) const {
    return at / stride_[k] % shape_[k];
  }
  std::int64_t moved(std::int64_t at, std::size_t k, std::int64_t way) const {
    const std::int64_t x = position(at, k);
    return at + ((x + way + shape_[k]) % shape_[k] - x) * stride_[k];
  }

  void append_minimal(std::int64_t from, std::int64_t to, std::vector<std::int32_t>& route) const {
    for (std::size_t k = 0; k < shape_.size(); ++k) {
      const std::int64_t length = shape_[k];
      const std::int64_t x = position(from, k);
      const std::int64_t up = (position(to, k) - x + length) % length;
      const bool goes_up = 2 * up < length || length == 2 || (2 * up == length && x % 2 == 0);
      const std::int64_t hops = goes_up ? up : length - up;
      for (std::int64_t i = 0; i < hops; ++i) {
        route.push_back(
            static_cast<std::int32_t>(from * degree_ + first_link_[k] + (goes_up ? 0 : 1)));
        from = moved(from, k, goes_up ? 1 : -1);
      }
    }
  }

  FabricEnds ends_;
  FabricSpec spec_;
  Shape shape_;
  Shape stride_;                          // [dimension] from an endpoint to the next
  std::vector<std::int64_t> first_link_;  // [dimension] among the ports of an endpoint
  std::int64_t degree_ = 0;               // Ports of an endpoint.
  BytesPerSecond bandwidth_;              // Of one of them.
};

}  // namespace

std::vector<ClusterFault> torus_faults(const FabricEnds& ends, const FabricSpec& spec) {
  if (spec.dimensions < 1) {
    return {{"fabric", spec.name, "a torus of one dimension or more"}};
  }
  if (!spec.shape.empty()) {
    const std::int64_t product =
        std::accumulate(spec.shape.begin(), spec.shape.end(), std::int64_t{1}, std::multiplies<>());
    const std::string shown = fmt::format("[{}]", fmt::join(spec.shape, ", "));
    if (static_cast<std::int64_t>(spec.shape.size()) != spec.dimensions) {
      return {{"shape", shown, fmt::format("{} lengths: one per dimension", spec.dimensions)}};
    }
    if (product != ends.count()) {
      return {{"shape", shown,
               fmt::format("lengths that multiply to the {} NICs of {} nodes, not {}", ends.count(),
                           ends.nodes, product)}};
    }
  }
  if (spec.routing == FabricRouting::kValiant && ends.count() < 3) {
    return {{"routing", "valiant", "minimal: a detour needs a third endpoint"}};
  }
  return {};
}

std::unique_ptr<Fabric> make_torus(const FabricEnds& ends, const FabricSpec& spec) {
  return std::make_unique<Torus>(ends, spec);
}

}  // namespace moesim
