#include "hardware/network/network_bill.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "hardware/network/topology_fabric.h"

namespace moesim {
namespace {

double gigabits(BytesPerSecond bandwidth) {
  return bandwidth.value() * 8 / 1e9;
}

// 1234567 as "1,234,567".
std::string grouped(double number) {
  std::string digits = fmt::format("{:.0f}", number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string grouped(std::int64_t number) {
  return grouped(static_cast<double>(number));
}

void append_line(std::string& out, const std::string& what, const std::string& value,
                 const std::string& remark) {
  const std::string line = fmt::format("  {:<18} {:>16}  {}", what, value, remark);
  out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

}  // namespace

NetworkBill network_bill(const ClusterSpec& cluster) {
  NetworkBill bill;
  if (cluster.nodes < 2) return bill;
  check_cluster(cluster);
  const FabricEnds ends = fabric_ends(cluster);
  const std::unique_ptr<Fabric> made = make_fabric(cluster);
  const FabricBill parts = made->bill();
  const FabricSpec& fabric = cluster.fabric;
  bill.devices = cluster.num_devices();
  bill.nodes = cluster.nodes;
  bill.nics = cluster.nodes * cluster.node.nics;
  bill.nic_bandwidth = cluster.node.nic_bandwidth;
  bill.switches = parts.switches;
  bill.switch_ports = parts.switches * fabric.switch_ports;
  bill.cables = parts.cables;
  bill.optic_ends = 2 * parts.cables;
  if (parts.switches > 0) bill.switch_ports_used = bill.optic_ends - ends.count() * ends.cables;
  bill.links = std::ssize(made->ports());
  if (bill.links > 0) {
    bill.first_link = made->port_name(0);
    bill.last_link = made->port_name(static_cast<std::int32_t>(bill.links) - 1);
  }
  bill.bisection = parts.bisection;
  bill.bisection_share = 2 * (parts.bisection / ends.bandwidth) / static_cast<double>(ends.count());
  bill.nic_power = static_cast<double>(bill.nics) * cluster.node.nic_power;
  bill.switch_power = static_cast<double>(bill.switches) * fabric.switch_power;
  bill.optic_power = static_cast<double>(bill.optic_ends) * fabric.optic_power;
  bill.switch_price_usd = static_cast<double>(bill.switches) * fabric.switch_price;
  bill.optic_price_usd = static_cast<double>(bill.optic_ends) * fabric.optic_price;
  bill.price_date = fabric.price_date;
  return bill;
}

std::string network_bill_text(const NetworkBill& bill) {
  std::string out;
  append_line(out, "NICs", grouped(bill.nics),
              fmt::format("{:g} Gb/s", gigabits(bill.nic_bandwidth)));
  append_line(out, "switches", grouped(bill.switches),
              bill.switches > 0 ? fmt::format("{} ports, {} in use", grouped(bill.switch_ports),
                                              grouped(bill.switch_ports_used))
                                : "the devices forward themselves");
  append_line(out, "cables", grouped(bill.cables), grouped(bill.optic_ends) + " ends");
  append_line(out, "links", grouped(bill.links),
              bill.links > 0 ? fmt::format("{} to {}", bill.first_link, bill.last_link)
                             : "all NICs meet in one switch");
  append_line(
      out, "bisection", fmt::format("{:.4g} Tb/s", gigabits(bill.bisection) / 1000),
      fmt::format("{:.0f} % of what half of the NICs can send", 100 * bill.bisection_share));
  append_line(
      out, "power", fmt::format("{:.4g} kW", bill.power().value() / 1000),
      fmt::format("NICs {:.4g}, switches {:.4g}, optics {:.4g}", bill.nic_power.value() / 1000,
                  bill.switch_power.value() / 1000, bill.optic_power.value() / 1000));
  const double each =
      bill.price_usd() / static_cast<double>(std::max<std::int64_t>(1, bill.devices));
  append_line(out, "price", bill.price_usd() > 0 ? grouped(bill.price_usd()) + " USD" : "not known",
              bill.price_usd() > 0
                  ? fmt::format("switches {}, optics and cables {}; {} a device ({})",
                                grouped(bill.switch_price_usd), grouped(bill.optic_price_usd),
                                grouped(each), bill.price_date)
                  : "");
  return out;
}

}  // namespace moesim
