#include "models/spec/format_card.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/spec/model_formats.h"
#include "models/spec/rank_shapes.h"

namespace moesim {
namespace {

// One format of one block: the matrices and layers that have it.
struct FormatUse {
  std::string block;
  WeightFormat format;
  std::vector<std::string> matrices;
  std::vector<std::size_t> layers;
};

class FormatUses {
 public:
  void add(const char* block, const Matrices& matrices, const MatrixFormats& formats,
           std::size_t layer) {
    for (const Matrix& matrix : matrices) add(block, matrix.name, formats.of(matrix.name), layer);
  }

  const std::vector<FormatUse>& all() const { return uses_; }

 private:
  void add(const char* block, const char* matrix, const WeightFormat& format, std::size_t layer) {
    const auto same = [&](const FormatUse& use) {
      return use.block == block && use.format == format;
    };
    auto use = std::find_if(uses_.begin(), uses_.end(), same);
    if (use == uses_.end()) use = uses_.insert(uses_.end(), {block, format, {}, {}});
    auto& names = use->matrices;
    if (std::find(names.begin(), names.end(), matrix) == names.end()) names.emplace_back(matrix);
    if (use->layers.empty() || use->layers.back() != layer) use->layers.push_back(layer);
  }

  std::vector<FormatUse> uses_;
};

std::vector<FormatUse> format_uses(const ModelSpec& model) {
  FormatUses uses;
  const std::int64_t hidden = model.hidden_size;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const LayerSpec& layer = model.layers[i];
    uses.add("attention", attention_matrices(layer.attention, hidden, 1), layer.formats.attention,
             i);
    if (layer.dense_width > 0) {
      uses.add("dense", ffn_matrices(hidden, layer.dense_width, layer.dense_matrices, 1),
               layer.formats.dense, i);
    }
    if (!layer.moe) continue;
    const Matrices experts =
        ffn_matrices(hidden, layer.moe->expert_width, layer.moe->ffn_matrices, 1);
    if (layer.moe->shared_width > 0) {
      uses.add("shared experts", experts, layer.formats.shared, i);
    }
    uses.add("routed experts", experts, layer.formats.routed, i);
  }
  return uses.all();
}

// "0-2, 7".
std::string ranges(const std::vector<std::size_t>& layers) {
  std::string out;
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t last = first;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
    out += out.empty() ? "" : ", ";
    out += last == first ? fmt::format("{}", layers[first])
                         : fmt::format("{}-{}", layers[first], layers[last]);
    first = last + 1;
  }
  return out;
}

std::string line(const std::string& label, const std::string& text) {
  return fmt::format("{:<28}{}\n", label, text);
}

}  // namespace

std::string format_card(const ModelSpec& model) {
  std::string out =
      line("weights as published", fmt::format("{:.4g} GB", checkpoint_bytes(model).value() / 1e9));
  for (const FormatUse& use : format_uses(model)) {
    std::string text = format_in_words(use.format);
    if (use.layers.size() < model.layers.size()) text += "; layers " + ranges(use.layers);
    out += line(fmt::format("  {}: {}", use.block, comma_list(use.matrices)), " " + text);
  }
  out += line("  embedding, norms, gates", " " + format_in_words(plain_format(model.wide_dtype)));
  if (!model.tied_embeddings) out += line("  head", " " + format_in_words(model.head_format));
  out += line("  KV cache", std::string(" ") + word_of(model.kv_dtype));
  for (const Fault& fault : model.format_faults) out += line("not to be read", fault.text());
  for (const std::string& note : model.format_notes) out += line("note", note);
  return out;
}

nlohmann::ordered_json format_card_json(const ModelSpec& model) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const FormatUse& use : format_uses(model)) {
    list.push_back({{"block", use.block},
                    {"modules", use.matrices},
                    {"layers", use.layers},
                    {"dtype", word_of(use.format.dtype)},
                    {"activations", word_of(use.format.activations)},
                    {"group_size", use.format.group_size},
                    {"bits", 8 * use.format.stored_bytes()}});
  }
  return list;
}

}  // namespace moesim
