// Where the experts of a deployment lie and how its tokens reach them.
#pragma once

#include <vector>

#include "models/placement/placement.h"
#include "sim/deployment.h"

namespace moesim {

// One placement per MoE layer of the bank. EPLB balances by the bank's own counts: the experts were
// placed by a profile of this very traffic. It keeps router groups inside nodes (hierarchical)
// where nodes divide both groups and EP groups.
std::vector<LayerPlacement> place_experts(const Deployment& deployment, const RoutingBank& bank);

// The ranks of one pipeline stage as the dispatch sees them.
DispatchGeometry dispatch_geometry(const Deployment& deployment, DispatchMode mode);

// Bytes of one copy of a token on its way to an expert: hidden state, scale factors (4 B per 128 in
// fp8, 1 B per 16 in fp4) and metadata.
//   normal:       align16(H b + scales + 8 + 8 k)
//   low latency:  16 + H b + scales
// Source: ../shared/research/router.md section 5 (DeepEP).
Bytes dispatch_bytes(const Deployment& deployment, const MoeSpec& moe, DispatchMode mode);
// And back: always bf16, 2 H.
Bytes combine_bytes(const MoeSpec& moe);

}  // namespace moesim
