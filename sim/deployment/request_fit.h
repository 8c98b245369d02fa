// Whether a deployment can ever serve a request: the context of its model and the KV cache of one
// attention-DP rank bound it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"

namespace moesim {

bool exceeds_context(const ModelSpec& model, const Request& request);

// Tokens that a request has in the KV cache of a replica at its end; a replica that hands prompts
// over keeps them up to the first output token.
std::int64_t kv_tokens(const Request& request, bool hands_over);

struct RequestFault {
  std::string reason;       // "one prompt of 29,000 tokens does not fit the KV cache of 23,648 ..."
  std::size_t pool = 0;     // Whose KV cache is too small.
  std::int64_t needed = 0;  // Tokens that it would have to hold; 0 = the context is too short.
};

// The reason why none of the requests can ever be served; nothing if one can. `pools` and `ledgers`
// are those of pools_of() and pool_ledgers(). Requires: at least one request.
std::optional<RequestFault> request_fault(const std::vector<Deployment>& pools,
                                          const std::vector<MemoryLedger>& ledgers,
                                          const std::vector<Request>& requests);

}  // namespace moesim
