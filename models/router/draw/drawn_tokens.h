// How often each token of a bank was drawn, layer by layer: kept as starts and ends of windows, so
// that a draw costs two additions.
#pragma once

#include <cstdint>
#include <vector>

#include "models/router/draw/routing_sampler.h"
#include "models/router/draw/token_blocks.h"

namespace moesim {

class DrawnTokens {
 public:
  // For samplers with this layout (of one bank: the order of tokens does not depend on placements
  // or dispatch modes).
  DrawnTokens(std::int64_t layers, const BlockLayout& layout);

  // Counts the tokens of a draw whose result is `load`, by a sampler with this layout.
  void add(std::int64_t layer, const LayerLoad& load, const BlockLayout& layout);
  // Times that each token of the bank was drawn in a layer since the last clear().
  std::vector<double> times(std::int64_t layer, const BlockLayout& layout) const;
  void clear(std::int64_t layer);

 private:
  std::size_t places_;  // Places of an order, and one behind it.
  std::vector<std::int32_t>
      starts_;  // [layer][decode, prefill][place] starts less ends of windows.
};

}  // namespace moesim
