// Memory of a deployment as its router loads it: buffers hold what the fullest EP group receives.
#pragma once

#include <string>
#include <vector>

#include "models/memory/memory_ledger.h"
#include "models/router/bank/routing_bank.h"
#include "sim/deployment/deployment.h"

namespace moesim {

// Rows of the fullest EP group over the mean one, in the fullest MoE layer of the worst of many
// full steps. A prompt fills the step of its attention-DP rank, so that a step mixes as many texts
// as there are ranks; each text is one sequence of the bank. 1 where tokens do not travel.
double fullest_group_over_mean(const Deployment& deployment, const RoutingBank& bank);

// Of the fullest device. Without a bank the ledger's own assumption stands for the fullest group.
MemoryLedger memory_ledger(const Deployment& deployment, const RoutingBank* bank);

// Why a pool's memory is too small, in words that name the pool where there are two; empty if it
// fits.
std::string memory_fault(const MemoryLedger& memory, PoolRole role);

// Of each pool, in the order of pools_of().
std::vector<MemoryLedger> pool_ledgers(const Deployment& deployment, const RoutingBank* bank);

}  // namespace moesim
