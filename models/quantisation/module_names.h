// The linear layers of a model under the names that checkpoints and engines give them.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "models/quantisation/format_rules.h"
#include "models/spec/model_spec.h"

namespace moesim {

// The words that name prefixes and containers in the rules of one file: whoever wrote them used
// one spelling of many ("mlp", "block_sparse_moe"; "gate_proj", "w1").
class Spelling {
 public:
  explicit Spelling(const FormatRules& rules);

  // What stands before "layers.0", "model." first.
  const std::vector<std::string>& prefixes() const { return prefixes_; }
  // The first of the words, and those of the others that the rules use.
  std::vector<std::string_view> of(const std::vector<std::string_view>& words) const;

 private:
  void add_prefixes(const std::string& entry);

  std::set<std::string, std::less<>> words_;
  std::vector<std::string> prefixes_;
};

enum class Block { kAttention, kDense, kShared, kRouted };

// One linear layer, or the equal ones of all routed experts.
struct Module {
  Block block = Block::kAttention;
  std::string_view matrix;  // That it is a part of (models/spec/rank_shapes.h).
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
  bool stays_wide = false;         // Engines never quantise it.
  std::vector<std::string> names;  // Spellings without prefix and layer: "mlp.down_proj".
};

// Those of one layer; parts of a fused matrix follow each other.
std::vector<Module> modules_of(const ModelSpec& model, const LayerSpec& layer,
                               const Spelling& spelling);

}  // namespace moesim
