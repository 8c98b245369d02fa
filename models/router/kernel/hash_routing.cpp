#include "models/router/kernel/hash_routing.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/router/kernel/token_stream.h"

namespace moesim {

namespace {

// k of n without repeats: Floyd's algorithm draws once per element.
void draw_experts(std::int64_t num_experts, RandomStream random, std::span<std::uint16_t> ids) {
  const auto n = static_cast<std::uint64_t>(num_experts);
  for (std::size_t j = 0; j < ids.size(); ++j) {
    const std::uint64_t last = n - ids.size() + j;
    const auto drawn = static_cast<std::uint16_t>(random.below(last + 1));
    const auto before = ids.begin() + static_cast<std::ptrdiff_t>(j);
    const bool taken = std::find(ids.begin(), before, drawn) != before;
    ids[j] = taken ? static_cast<std::uint16_t>(last) : drawn;
  }
}

}  // namespace

void check_hash(const MoeSpec& moe, const RouteOptions& options, std::int64_t tokens) {
  if (static_cast<std::int64_t>(options.token_types.size()) != tokens) {
    throw std::invalid_argument(
        fmt::format("hash routing: {} token types: one for each of the {} "
                    "tokens expected",
                    options.token_types.size(), tokens));
  }
  if (options.hash_table.empty()) return;
  const std::size_t num_types = options.hash_table.size() / static_cast<std::size_t>(moe.top_k);
  for (const std::uint32_t type : options.token_types) {
    if (type < num_types) continue;
    throw std::invalid_argument(
        fmt::format("hash routing: token type {}: below {} expected", type, num_types));
  }
  for (const std::uint16_t id : options.hash_table) {
    if (id < gate_outputs(moe)) continue;
    throw std::invalid_argument(
        fmt::format("hash routing: id {}: below {} expected", id, gate_outputs(moe)));
  }
}

void hash_experts(const MoeSpec& moe, const RouteOptions& options, std::span<std::uint16_t> ids) {
  const auto top_k = static_cast<std::size_t>(moe.top_k);
  for (std::size_t t = 0; t * top_k < ids.size(); ++t) {
    const std::uint32_t type = options.token_types[t];
    const std::span<std::uint16_t> row = ids.subspan(t * top_k, top_k);
    if (options.hash_table.empty()) {
      draw_experts(moe.num_experts, token_stream(options.seed, "hash", type), row);
    } else {
      const auto from = options.hash_table.subspan(type * top_k, top_k);
      std::copy(from.begin(), from.end(), row.begin());
    }
  }
}

}  // namespace moesim
