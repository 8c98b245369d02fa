// A table of whole numbers [layer][slot] that a file gives step by step, summed over the steps.
#pragma once

#include <cstdint>
#include <string>

#include "models/router/counts/layer_counts.h"
#include "models/router/recorded/input_file.h"

namespace moesim {

class CountGrid {
 public:
  // `name` as messages call it.
  CountGrid(std::string name, FileFaults& faults) : name_(std::move(name)), faults_(faults) {}

  // The numbers of a layer come in order of their slots, then its end; the layers of a step in
  // order, then its end.
  void add(std::int64_t layer, std::int64_t slot, std::int64_t number);
  void end_layer(std::int64_t layer, std::int64_t slots);
  void end_step(std::int64_t layers);

  bool empty() const { return steps_ == 0; }
  std::int64_t steps() const { return steps_; }
  std::int64_t layers() const { return static_cast<std::int64_t>(rows_.size()); }
  // Of every layer.
  std::int64_t slots() const { return slots_; }
  const LayerCounts& rows() const { return rows_; }
  const std::string& name() const { return name_; }

 private:
  // A number of layers or slots that a later step has too.
  void check_same(std::int64_t found, std::int64_t first, const char* what);

  std::string name_;
  FileFaults& faults_;
  LayerCounts rows_;
  std::int64_t slots_ = -1;
  std::int64_t steps_ = 0;
};

}  // namespace moesim
