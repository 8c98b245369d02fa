// What the network did in a case, in words.
#pragma once

#include <string>

#include "sim/results/summary.h"

namespace moesim {

// "Communication takes 31 % of decode steps. While tokens are dispatched, the NIC of node 3, rail
// 5 is 93 % busy (receiving). Twice the bandwidth of ... shortens steps by ...". Empty where
// nothing communicates.
std::string network_sentence(const NetworkSummary& network);

}  // namespace moesim
