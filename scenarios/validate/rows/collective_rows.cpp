#include <fmt/format.h>

#include <charconv>
#include <numeric>
#include <optional>

#include "hardware/read/profiles.h"
#include "scenarios/validate/rows/conditions.h"
#include "scenarios/validate/rows/topics.h"
#include "sim/network/collectives.h"

namespace moesim {
namespace {

constexpr double kSmallMessage = 1 << 20;  // Bytes; latency-bound below, bandwidth-bound above.
// Message formats of DeepEP. Source: docs/physics.md, "Payloads".
constexpr double kScaleBytes = 4, kScaledValues = 128;
constexpr double kLowLatencyHeader = 16;
constexpr double kChoiceBytes = 8;

struct CollectiveRow {
  const TruthRow& row;
  const Library& library;
  ValidationPlan& plan;
  Measurement& figure;

  // "3200 Gb/s per node" or "400 Gb/s per GPU" as bytes per second of one device.
  std::optional<BytesPerSecond> network_rate(std::int64_t per_node) const {
    const std::string& network = row.text("network");
    const std::size_t unit = network.find(" Gb/s per ");
    if (unit == std::string::npos) return std::nullopt;
    const std::size_t space = network.rfind(' ', unit - 1);
    const std::size_t begin = space == std::string::npos ? 0 : space + 1;
    double gigabits = 0;
    const auto [stop, error] =
        std::from_chars(network.data() + begin, network.data() + unit, gigabits);
    if (error != std::errc() || !(gigabits > 0 && gigabits < 1e6)) return std::nullopt;
    const bool of_node = network.compare(unit, 14, " Gb/s per node") == 0;
    const double devices = of_node ? static_cast<double>(per_node) : 1;
    return BytesPerSecond(gigabits * 1e9 / 8 / devices);
  }

  CommGroup group() const {
    const DeviceSpec& device = stated_hardware(row, library);
    const std::int64_t size = stated(row, "n_gpus"), nodes = stated(row, "n_nodes");
    if (size % nodes != 0) throw Skipped{"n_gpus is no multiple of n_nodes"};
    ClusterSpec cluster;
    cluster.node.device = device;
    cluster.node.devices = size / nodes;
    cluster.nodes = nodes;
    if (nodes > 1) add_network(cluster);
    std::vector<std::int64_t> members(static_cast<std::size_t>(size));
    std::iota(members.begin(), members.end(), 0);
    return make_group(cluster, members);
  }

  // The NICs that the row names, or those of the shipped node of this device.
  void add_network(ClusterSpec& cluster) const {
    const auto shipped = library.cluster(figure.hardware, cluster.num_devices(), true);
    const auto rate = network_rate(cluster.node.devices);
    if (!shipped && !rate) throw Skipped{"network not stated"};
    if (!rate) plan.read_as("network not stated: the NICs of the shipped node profile");
    NodeSpec& node = cluster.node;
    if (shipped) {
      node.nics = node.devices * shipped->node.nics / shipped->node.devices;
      node.nic_bandwidth = shipped->node.nic_bandwidth;
      node.nic_technology = shipped->node.nic_technology;
    }
    if (rate) {
      const bool efa = row.text("network").starts_with("EFA");
      node.nics = node.devices;
      node.nic_bandwidth = *rate;
      node.nic_technology = load_link(efa ? "efa" : "infiniband-ndr");
    }
  }

  Seconds library_time(const CommGroup& group) const {
    const Bytes bytes(stated_number(row, "message_bytes"));
    const std::string& operation = row.text("op");
    if (operation == "all_reduce") return library_all_reduce(group, bytes).time;
    if (operation == "all_gather") return all_gather(group, bytes).time;
    if (operation == "reduce_scatter") return reduce_scatter(group, bytes).time;
    const double size = static_cast<double>(group.size);
    return all_to_all(group, {{(size - 1) / size * bytes.value()}, {}, {}, {}});
  }

  // Bytes on the wire over bytes of the buffer, as nccl-tests count bus bandwidth.
  double bus_factor(const CommGroup& group) const {
    const double n = static_cast<double>(group.size);
    return (row.text("op") == "all_reduce" ? 2 : 1) * (n - 1) / n;
  }

  bool is_low_latency() const { return row.text("op").starts_with("deepep_ll"); }
  bool is_dispatch() const { return row.text("op").ends_with("dispatch"); }

  // Dispatch carries fp8 values with their scales, combine bf16.
  double message_bytes() const {
    const double hidden = stated_number(row, "hidden"), top_k = stated_number(row, "topk");
    const double payload = is_dispatch() ? hidden * (1 + kScaleBytes / kScaledValues) : 2 * hidden;
    if (!is_low_latency()) return payload + kChoiceBytes * (1 + top_k);
    return payload + (is_dispatch() ? kLowLatencyHeader : 0);
  }

  // Expected copies of a token per destination rank under balanced routing: one per chosen expert
  // (low latency), or one if any of its experts is there.
  double copies(const CommGroup& group) const {
    const double top_k = stated_number(row, "topk"), ranks = static_cast<double>(group.size);
    if (is_low_latency()) return top_k / ranks;
    const double experts = stated_number(row, "experts");
    if (top_k > experts) throw Skipped{"topk above the number of experts"};
    double none = 1;
    for (double i = 0; i < top_k; ++i) {
      none *= std::max(0.0, experts - experts / ranks - i) / (experts - i);
    }
    return 1 - none;
  }

  Seconds expert_time(const CommGroup& group) const {
    const double to_one = stated_number(row, "tokens") * copies(group) * message_bytes();
    const double near = static_cast<double>(group.per_node - 1);
    const double far = static_cast<double>(group.size - group.per_node);
    const PortLoads loads{{near * to_one}, {}, {far * to_one}, {}};
    const AllToAllKernel kernel = is_low_latency() ? AllToAllKernel::kLowLatency
                                  : is_dispatch()  ? AllToAllKernel::kNormalDispatch
                                                   : AllToAllKernel::kNormalCombine;
    return all_to_all(group, loads, kernel);
  }

  void answer() const {
    const std::string& operation = row.text("op");
    const bool expert =
        operation.starts_with("deepep_ll_") || operation.starts_with("deepep_normal_");
    const bool known = operation == "all_reduce" || operation == "all_gather" ||
                       operation == "reduce_scatter" || operation == "alltoall";
    if (!expert && !known) throw Skipped{fmt::format("operation {} is not modelled", operation)};
    const CommGroup members = group();
    const Seconds time = expert ? expert_time(members) : library_time(members);
    if (figure.metric == "time_s") return plan.predict(figure, time.value());
    if (figure.metric != "busbw_gbps") {
      throw Skipped{fmt::format("metric {} is not predicted", figure.metric)};
    }
    if (expert && !is_low_latency()) {
      throw Skipped{"bandwidth of the normal kernels: which bytes count depends on the layout"};
    }
    const double bytes =
        expert ? stated_number(row, "tokens") * stated_number(row, "topk") * message_bytes()
               : stated_number(row, "message_bytes") * bus_factor(members);
    plan.predict(figure, bytes / time.value() / 1e9);
  }
};

std::string kind_of(const TruthRow& row) {
  const std::string& operation = row.text("op");
  if (operation.starts_with("deepep")) {
    return operation.substr(0, operation.rfind('_'));
  }
  const bool nodes = row.count("n_nodes").value_or(1) > 1;
  const bool small = row.number("message_bytes").value_or(0) < kSmallMessage;
  return fmt::format("{}, {}", nodes ? "several nodes" : "one node",
                     small ? "below 1 MiB" : "from 1 MiB");
}

}  // namespace

void plan_collectives(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  for (const TruthRow& row : table.rows) {
    Measurement& figure = plan.add(table, row);
    try {
      if (!row.fault().empty()) throw Skipped{row.fault()};
      figure.kind = kind_of(row);
      CollectiveRow{row, library, plan, figure}.answer();
    } catch (const Skipped& skipped) {
      plan.skip(figure, skipped.reason);
    } catch (const std::invalid_argument& fault) {
      plan.skip(figure, fault.what());
    }
  }
}

}  // namespace moesim
