#include "models/router/counts/count_grid.h"

#include <fmt/format.h>

#include <algorithm>

namespace moesim {

void CountGrid::add(std::int64_t layer, std::int64_t slot, std::int64_t number) {
  if (number < 0 || number > kMostChoices) {
    faults_.add(0, fmt::format("{}, layer {}, expert {}", name_, layer, slot),
                std::to_string(number), fmt::format("0 to {}", kMostChoices));
    return;
  }
  const auto row = static_cast<std::size_t>(layer), place = static_cast<std::size_t>(slot);
  if (rows_.size() <= row) rows_.resize(row + 1);
  if (rows_[row].size() <= place) rows_[row].resize(place + 1);
  std::int64_t& sum = rows_[row][place];
  sum = std::min(sum + number, kMostChoices);
}

void CountGrid::end_layer(std::int64_t layer, std::int64_t slots) {
  if (slots_ < 0) slots_ = slots;
  check_same(slots, slots_, fmt::format("experts in layer {}", layer).c_str());
}

void CountGrid::end_step(std::int64_t layers) {
  check_same(layers, this->layers(), "layers in a step");
  ++steps_;
}

void CountGrid::check_same(std::int64_t found, std::int64_t first, const char* what) {
  if (found == first) return;
  faults_.add(0, name_, fmt::format("{} {}", found, what), fmt::format("{} everywhere", first));
}

}  // namespace moesim
