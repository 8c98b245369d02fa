#include "models/router/draw/drawn_tokens.h"

#include <algorithm>

namespace moesim {

DrawnTokens::DrawnTokens(std::int64_t layers, const BlockLayout& layout)
    : places_(layout.decode.size() + 1),
      starts_(2 * places_ * static_cast<std::size_t>(layers), 0) {}

void DrawnTokens::add(std::int64_t layer, const LayerLoad& load, const BlockLayout& layout) {
  std::int32_t* const decode = starts_.data() + 2 * places_ * static_cast<std::size_t>(layer);
  std::int32_t* const prefill = decode + places_;
  for (const LayerLoad::Window& window : load.windows) {
    std::int32_t* const order = window.prefill ? prefill : decode;
    ++order[window.begin];
    --order[window.begin + window_tokens(window, layout)];
  }
}

std::vector<double> DrawnTokens::times(std::int64_t layer, const BlockLayout& layout) const {
  std::vector<double> times(layout.place.size(), 0);
  const std::int32_t* start = starts_.data() + 2 * places_ * static_cast<std::size_t>(layer);
  for (const auto* order : {&layout.decode, &layout.prefill}) {
    std::int64_t windows = 0;
    for (std::size_t i = 0; i < order->size(); ++i) {
      windows += start[i];
      times[static_cast<std::size_t>((*order)[i])] += static_cast<double>(windows);
    }
    start += places_;
  }
  return times;
}

void DrawnTokens::clear(std::int64_t layer) {
  const auto begin = starts_.begin() + static_cast<std::ptrdiff_t>(2 * places_) * layer;
  std::fill(begin, begin + static_cast<std::ptrdiff_t>(2 * places_), 0);
}

}  // namespace moesim
