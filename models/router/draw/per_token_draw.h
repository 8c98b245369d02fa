// Drawn tokens added up token by token, where sums over blocks do not suffice: which replica is
// nearest to a token's source, and which tokens find their expert full.
#pragma once

#include <cstdint>
#include <vector>

#include "models/router/draw/dispatch.h"
#include "models/router/draw/routing_sampler.h"
#include "models/router/draw/token_blocks.h"

namespace moesim {

// Running sums over the tokens of one order, as one source sends them with static replicas, so that
// long windows need not be added token by token. Sums wrap; differences over a window do not.
struct SourceSums {
  static constexpr std::int64_t kBlockTokens = 64;

  std::vector<std::uint16_t> sums;  // [block + 1][pairs by group, copies by rank, copies by node]
  std::vector<std::uint64_t> hits;  // [block][words] a bit per slot.
};

// Makes SourceSums when they are first needed, and finds them again. Not for concurrent draws.
class SourceBlocks {
 public:
  // `layers` of `sources`, each with two orders.
  SourceBlocks(std::int64_t layers, std::int64_t sources);

  SourceSums& at(std::int64_t layer, std::int64_t source, bool prefill);
  void clear(std::int64_t layer);

 private:
  std::int64_t sources_;
  std::vector<SourceSums> sums_;  // [layer][source][decode, prefill]
};

struct PerTokenDraw {
  const BlockLayout& layout;
  const TokenBlocks& blocks;
  const LayerPlacement& placement;
  const DispatchGeometry& geometry;
  const MoeSpec& moe;  // Its router has the capacities of the experts.
  std::int64_t layer = 0;
  SourceBlocks& sums;  // Used and filled where experts have no limits.
};

// Whether experts leave tokens out, or compute more rows than they have pairs.
bool limits_rows(const CapacitySpec& capacity);

// Fills all fields of `load` from its windows. An expert takes its capacity (kernel/capacity.h) of
// all tokens drawn, the first ones in the order of sources (the bank has no weights to go by): the
// others are dropped before dispatch. With `pad` every slot computes its expert's capacity, shared
// by replicas, and reads its weights; rows of padding do not travel. Otherwise rows are rounded up
// to whole blocks.
void add_per_token(const PerTokenDraw& draw, LayerLoad& load);

}  // namespace moesim
