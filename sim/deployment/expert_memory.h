// Memory of a deployment under its own routing: buffers hold the tokens of the fullest EP group.
#pragma once

#include <string>
#include <vector>

#include "models/memory/memory_ledger.h"
#include "models/router/bank/routing_bank.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// Rows of the fullest EP group over the mean one, in the worst layer of the worst of many full
// steps. One prompt fills the step of an attention-DP rank, so that a step mixes one text per rank;
// each text is one sequence of the bank. 1 where tokens do not travel.
double fullest_group_over_mean(const Deployment& deployment, const RoutingBank& bank);

// The ledger of the fullest device. Without a bank (null), the fullest group is the ledger's own
// assumption.
MemoryLedger memory_ledger(const Deployment& deployment, const RoutingBank* bank);

// Why a pool's memory is too small, in words that name the pool where there are two; empty if it
// fits.
std::string memory_fault(const MemoryLedger& memory, PoolRole role);

// The ledger of each pool, in the order of pools_of().
std::vector<MemoryLedger> pool_ledgers(const Deployment& deployment, const RoutingBank* bank);

}  // namespace moesim
