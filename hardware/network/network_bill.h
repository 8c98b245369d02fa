// Parts, bisection, power and price of a cluster's network, for `moesim show FABRIC`.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "hardware/spec/device.h"

namespace moesim {

struct NetworkBill {
  std::int64_t devices = 0;
  std::int64_t nodes = 0;
  std::int64_t nics = 0;
  BytesPerSecond nic_bandwidth;  // Of one NIC, per direction.
  std::int64_t switches = 0;
  std::int64_t switch_ports = 0;       // Of all switches.
  std::int64_t switch_ports_used = 0;  // By NICs and by both ends of the links between switches.
  std::int64_t cables = 0;
  std::int64_t optic_ends = 0;  // Two for every cable.
  // Directed links between switches that have names of their own; the first and the last name.
  std::int64_t links = 0;
  std::string first_link, last_link;
  BytesPerSecond bisection;    // See FabricBill.
  double bisection_share = 0;  // Over the bandwidth of half of the NICs.
  Watts nic_power;
  Watts switch_power;
  Watts optic_power;
  double switch_price_usd = 0;  // 0 where no price is known.
  double optic_price_usd = 0;
  std::string price_date;

  Watts power() const { return nic_power + switch_power + optic_power; }
  // Switches, optics and cables; NICs are part of the nodes.
  double price_usd() const { return switch_price_usd + optic_price_usd; }
};

// All zero for a single node. Throws: std::invalid_argument for a cluster that cannot be wired.
NetworkBill network_bill(const ClusterSpec& cluster);

// A table: one number a line, in the units that data sheets use.
std::string network_bill_text(const NetworkBill& bill);

}  // namespace moesim
