// Changes with which a deployment fits that does not.
#pragma once

#include <cstdint>
#include <string>

#include "sim/deployment/deployment.h"

namespace moesim {

// Settings that each alone make room on the same devices, then the smallest plan that fits:
// "engine.max_num_seqs: 128; or 2 devices (tp 2)". The KV cache of an attention-DP rank must hold
// `kv_tokens`. `ledger` is that of the pool as it is. "no layout up to 1024 of these devices" if
// nothing helps.
std::string way_out(const Deployment& pool, const MemoryLedger& ledger, std::int64_t kv_tokens);

}  // namespace moesim
