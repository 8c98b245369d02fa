#include "models/memory/memory_ledger.h"

#include <algorithm>
#include <cmath>

#include "models/memory/memory_parts.h"
#include "models/spec/kv_bytes.h"
#include "models/spec/rank_shapes.h"

namespace moesim {

Bytes MemoryLedger::weights() const {
  return attention_weights + dense_weights + routed_weights + shared_weights + gate_weights +
         embedding_weights;
}

Bytes MemoryLedger::needed() const {
  return weights() + activations + communication + runtime + linear_states;
}

namespace {

// One group of sliding-window layers: cache bytes per token, and the tokens beyond which it is
// full.
struct WindowLayers {
  double full_at = 0;
  double bytes = 0;
};

struct CacheLayers {
  double full_bytes = 0;  // Per token of context, all layers without a window.
  std::vector<WindowLayers> windows;
  double state_bytes = 0;  // Per sequence.
  double rows_bytes = 0;   // Of it, in layers with compressed attention.
  // For StateRule::kPaged: layers that keep a state, the largest state, and cached bytes of a token
  // in the widest of the other layers.
  std::int64_t state_layers = 0;
  double largest_state = 0;
  std::int64_t token_layers = 0;
  double widest_token = 0;
};

CacheLayers cache_layers(const LedgerInputs& in, std::int64_t stage) {
  const LayerRange range =
      stage_layers(static_cast<std::int64_t>(in.model.layers.size()), in.plan.pp, stage);
  CacheLayers cache;
  for (std::int64_t i = range.first; i < range.last; ++i) {
    const AttentionSpec& a = in.model.layers[static_cast<std::size_t>(i)].attention;
    const double state = state_bytes(a, in.plan.tp).value();
    const double bytes = (kv_layer_bytes(a, in.plan.tp, in.dtypes.kv) + index_key_bytes(a)).value();
    cache.state_bytes += state;
    if (a.kind == AttentionKind::kCompressed) {
      cache.rows_bytes += state;
    } else {
      cache.state_layers += state > 0 ? 1 : 0;
      cache.largest_state = std::max(cache.largest_state, state);
    }
    cache.token_layers += bytes > 0 ? 1 : 0;
    cache.widest_token = std::max(cache.widest_token, bytes);
    if (a.window == 0) {
      cache.full_bytes += bytes;
    } else if (bytes > 0) {
      cache.windows.push_back({static_cast<double>(a.window * in.rules.max_num_seqs), bytes});
    }
  }
  return cache;
}

// Largest T with T full + sum(bytes_w min(T, full_at_w)) <= pool. Without full-attention layers the
// longest possible contexts are the limit.
double capacity_tokens(const LedgerInputs& in, CacheLayers cache, double pool) {
  std::sort(cache.windows.begin(), cache.windows.end(),
            [](const WindowLayers& a, const WindowLayers& b) { return a.full_at < b.full_at; });
  double slope = cache.full_bytes;
  for (const WindowLayers& window : cache.windows) slope += window.bytes;
  double tokens = 0;
  for (const WindowLayers& window : cache.windows) {
    const double step = (window.full_at - tokens) * slope;
    if (step > pool) return tokens + pool / slope;
    pool -= step;
    tokens = window.full_at;
    slope -= window.bytes;
  }
  const double longest = static_cast<double>(in.rules.max_num_seqs *
                                             std::max<std::int64_t>(in.model.max_positions, 1));
  if (cache.full_bytes <= 0) return std::max(tokens, longest);
  return tokens + pool / cache.full_bytes;
}

// Sets budget, pool and shortfall by the engine's rule.
void share_memory(MemoryLedger& ledger, const EngineMemoryRules& rules) {
  const Bytes memory = ledger.device_memory;
  const double u = rules.memory_utilization;
  const Bytes none;
  switch (rules.pool) {
    case PoolRule::kUtilization:
      ledger.budget = memory * u;
      ledger.kv_pool = ledger.budget - ledger.needed();
      ledger.shortfall = -ledger.kv_pool;
      break;
    case PoolRule::kStaticFraction: {
      const Bytes usable = memory - rules.context_memory;
      const Bytes resident = ledger.weights() + ledger.linear_states;
      const Bytes transient = ledger.needed() - resident - rules.context_memory;
      ledger.budget = usable * u;
      ledger.kv_pool = ledger.budget - resident;
      ledger.shortfall =
          std::max(-ledger.kv_pool, none) + std::max(transient - usable * (1 - u), none);
      break;
    }
    case PoolRule::kFreeFraction:
    case PoolRule::kContext:
      ledger.budget = memory;
      ledger.kv_pool = (memory - ledger.needed()) * u;
      ledger.shortfall = ledger.needed() - memory;
      break;
  }
  ledger.kv_pool = std::max(ledger.kv_pool, none);
  ledger.shortfall = std::max(ledger.shortfall, none);
}

// Sets the number of blocks, and the tokens that they hold in sequences of the longest context.
void count_blocks(MemoryLedger& ledger, const LedgerInputs& in, double block_bytes) {
  const std::int64_t longest = std::max<std::int64_t>(in.model.max_positions, 1);
  ledger.kv_blocks = static_cast<std::int64_t>(ledger.kv_pool.value() / block_bytes);
  if (ledger.kv_blocks < ledger.block.blocks_for(1)) return;
  const double sequences =
      static_cast<double>(ledger.kv_blocks) / static_cast<double>(ledger.block.blocks_for(longest));
  ledger.kv_capacity_tokens = static_cast<std::int64_t>(sequences * static_cast<double>(longest));
  ledger.max_num_seqs = std::min(in.rules.max_num_seqs, ledger.kv_blocks);
}

// Blocks in which states are pages like those of the cache: a page of cached tokens is at least as
// large as a state, and layers of one kind form groups as large as the smaller kind, all of which
// take blocks from one pool.
//   tokens = multiple of kv_block_tokens >= state / token;  blocks = pool / (group tokens token)
// Source: vLLM, platforms/interface.py (size of pages), v1/core/kv_cache_utils.py (groups).
void page_states(MemoryLedger& ledger, const LedgerInputs& in, const CacheLayers& cache) {
  constexpr double kOneGroup = 1.25;  // Up to this ratio of their layers both kinds are one group.
  const std::int64_t longest = std::max<std::int64_t>(in.model.max_positions, 1);
  const std::int64_t fewer = std::min(cache.state_layers, cache.token_layers);
  const std::int64_t more = std::max(cache.state_layers, cache.token_layers);
  const bool alike = static_cast<double>(more) < kOneGroup * static_cast<double>(fewer);
  const std::int64_t group = alike || fewer == 0 ? more : fewer;
  ledger.block.states = share(cache.state_layers, group);
  ledger.block.groups = share(cache.token_layers, group);
  double page = cache.largest_state;
  ledger.block.tokens = longest;
  if (cache.token_layers > 0) {
    const auto least = static_cast<std::int64_t>(std::ceil(page / cache.widest_token));
    ledger.block.tokens = round_up(std::max<std::int64_t>(least, 1),
                                   std::max<std::int64_t>(in.rules.kv_block_tokens, 1));
    page = static_cast<double>(ledger.block.tokens) * cache.widest_token;
  }
  count_blocks(ledger, in, page * static_cast<double>(group));
}

// Compressed attention: a sequence takes whole blocks for the states of its compressors and for the
// rows of its last tokens.
void page_rows(MemoryLedger& ledger, const LedgerInputs& in, const CacheLayers& cache) {
  const double block = cache.full_bytes * static_cast<double>(in.rules.kv_block_tokens);
  if (!(block > 0)) return;
  ledger.block.states = static_cast<std::int64_t>(std::ceil(cache.rows_bytes / block));
  count_blocks(ledger, in, block);
}

// Gives a share of states and cache together to the states, and admits no more sequences than have
// one. Source: SGLang, mem_cache/kv_cache_configurator.py.
void split_states(MemoryLedger& ledger, const LedgerInputs& in, double state_bytes) {
  ledger.linear_states = ledger.kv_pool * in.rules.state_share;
  ledger.kv_pool = ledger.kv_pool - ledger.linear_states;
  const double copies = static_cast<double>(std::max<std::int64_t>(in.rules.state_copies, 1));
  const double sequences = ledger.linear_states.value() / (state_bytes * copies);
  ledger.max_num_seqs = std::min(in.rules.max_num_seqs, static_cast<std::int64_t>(sequences));
}

// The tokens of one context that all sequences share, of those that there is room for. A context
// that was asked for is not shortened.
double take_context(MemoryLedger& ledger, const LedgerInputs& in, double room) {
  const std::int64_t asked = in.rules.context_tokens;
  const std::int64_t longest =
      asked > 0 ? asked : std::max<std::int64_t>(in.model.max_positions, 1);
  const double tokens = std::min(room, static_cast<double>(longest));
  ledger.kv_pool *= room > 0 ? tokens / room : 1;
  if (asked > 0)
    ledger.shortfall = ledger.kv_bytes_per_token * (static_cast<double>(asked) - tokens);
  return tokens;
}

MemoryLedger stage_ledger(const LedgerInputs& in, std::int64_t stage) {
  MemoryLedger ledger;
  ledger.device_memory = in.device.memory;
  add_weights(ledger, in, stage);
  ledger.activations = peak_activations(in, stage);
  ledger.communication = communication_buffers(in);
  ledger.fullest_over_mean = in.fullest_over_mean();
  ledger.runtime = in.rules.context_memory;
  if (in.plan.stage_ranks() > 1) ledger.runtime += in.rules.communicator_memory;
  ledger.runtime += in.rules.graph_memory;
  const CacheLayers cache = cache_layers(in, stage);
  const StateRule states = cache.state_bytes > 0 ? in.rules.states : StateRule::kReserved;
  if (states == StateRule::kReserved) {
    ledger.linear_states = Bytes(cache.state_bytes * static_cast<double>(in.rules.max_num_seqs));
  }
  ledger.kv_bytes_per_token = Bytes(cache.full_bytes);
  ledger.block.tokens = in.rules.kv_block_tokens;
  ledger.max_num_seqs = in.rules.max_num_seqs;
  share_memory(ledger, in.rules);
  if (ledger.shortfall.value() > 0) return ledger;
  if (states != StateRule::kReserved && cache.state_layers == 0) {
    page_rows(ledger, in, cache);
    return ledger;
  }
  if (states == StateRule::kPaged) {
    page_states(ledger, in, cache);
    return ledger;
  }
  if (states == StateRule::kShare) split_states(ledger, in, cache.state_bytes);
  if (ledger.max_num_seqs == 0) return ledger;
  double tokens = capacity_tokens(in, cache, ledger.kv_pool.value());
  if (in.rules.pool == PoolRule::kContext) tokens = take_context(ledger, in, tokens);
  ledger.kv_blocks =
      static_cast<std::int64_t>(tokens / static_cast<double>(in.rules.kv_block_tokens));
  ledger.kv_capacity_tokens = ledger.kv_blocks * in.rules.kv_block_tokens;
  return ledger;
}

bool fuller(const MemoryLedger& a, const MemoryLedger& b) {
  if (a.shortfall != b.shortfall) return a.shortfall > b.shortfall;
  if (a.kv_capacity_tokens != b.kv_capacity_tokens) {
    return a.kv_capacity_tokens < b.kv_capacity_tokens;
  }
  return a.needed() > b.needed();
}

}  // namespace

MemoryLedger memory_ledger(const ModelSpec& model, const ParallelPlan& plan,
                           const DtypePlan& dtypes, const EngineMemoryRules& rules,
                           const DeviceSpec& device, const ExpertShare& experts) {
  const LedgerInputs in{model, plan, dtypes, rules, device, experts};
  MemoryLedger fullest = stage_ledger(in, 0);
  for (std::int64_t stage = 1; stage < plan.pp; ++stage) {
    const MemoryLedger ledger = stage_ledger(in, stage);
    if (fuller(ledger, fullest)) fullest = ledger;
  }
  return fullest;
}

}  // namespace moesim
