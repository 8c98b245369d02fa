#include "models/router/recorded/gate_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "models/router/kernel/router_kernel.h"
#include "models/router/recorded/checkpoint.h"
#include "models/router/recorded/gate_names.h"

namespace moesim {

namespace {

std::string place_text(std::int64_t layer, const std::string& name) {
  return fmt::format("layer {}, {}", layer, shown(name));
}

std::string extents(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    out += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return out + "]";
}

void transpose(std::int64_t rows, std::int64_t columns, std::vector<float>& matrix) {
  std::vector<float> turned(matrix.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      turned[static_cast<std::size_t>(c * rows + r)] =
          matrix[static_cast<std::size_t>(r * columns + c)];
    }
  }
  matrix = std::move(turned);
}

// Reads the gates of one checkpoint, collecting the faults of all layers.
class GateReader {
 public:
  GateReader(const std::string& path, const ModelSpec& model)
      : model_(model),
        checkpoint_(path, [](std::string_view name) { return gate_tensor(name).has_value(); }),
        faults_(path) {
    for (const TensorPlace& place : checkpoint_.places()) {
      const GateTensor tensor = *gate_tensor(place.name);
      parts_[{tensor.layer, tensor.part}].push_back(&place);
    }
  }

  Gate read(std::int64_t layer) {
    const MoeSpec& moe = *model_.layers[static_cast<std::size_t>(layer)].moe;
    const std::int64_t outputs = gate_outputs(moe);
    Gate gate;
    gate.hidden_size = model_.hidden_size;
    gate.weight = part(layer, GatePart::kWeight, {outputs, model_.hidden_size});
    if (moe.router.gate_bias) gate.bias = part(layer, GatePart::kBias, {outputs});
    // Layers that choose by a table have no use for a bias on the selection.
    if (moe.router.correction_bias && moe.router.rule != SelectionRule::kHash) {
      gate.correction = part(layer, GatePart::kCorrection, {outputs});
    }
    return gate;
  }

  void throw_if_any() const { faults_.throw_if_any(); }

 private:
  std::vector<float> part(std::int64_t layer, GatePart kind,
                          const std::vector<std::int64_t>& shape) {
    const TensorPlace* const place = find(layer, kind);
    if (place == nullptr) return {};
    const SafetensorsFile& file = checkpoint_.file(place->file);
    const TensorInfo* const tensor = file.find(place->name);
    const std::string where = place_text(layer, place->name);
    if (tensor == nullptr) {
      faults_.add(0, where, "not in " + shown(place->file), "a tensor that the index names");
      return {};
    }
    if (!SafetensorsFile::is_float(*tensor)) {
      faults_.add(0, where, "type " + shown(tensor->dtype), "F64, F32, F16 or BF16");
      return {};
    }
    return values(file, *tensor, shape, where);
  }

  // The values, if the shape is the wanted one: a matrix may lie the other way round where that
  // cannot be mistaken, a vector may be a matrix of one row.
  std::vector<float> values(const SafetensorsFile& file, const TensorInfo& tensor,
                            const std::vector<std::int64_t>& shape, const std::string& where) {
    const bool turned =
        shape.size() == 2 && tensor.shape != shape &&
        std::equal(shape.rbegin(), shape.rend(), tensor.shape.begin(), tensor.shape.end());
    const bool row = shape.size() == 1 && tensor.shape == std::vector{std::int64_t{1}, shape[0]};
    if (tensor.shape != shape && !turned && !row) {
      faults_.add(0, where, extents(tensor.shape),
                  fmt::format("{} for {}", extents(shape), model_.name));
      return {};
    }
    std::vector<float> values = file.read_floats(tensor);
    const auto wrong = std::find_if(values.begin(), values.end(),
                                    [](float value) { return !std::isfinite(value); });
    if (wrong != values.end()) {
      faults_.add(0, where, fmt::format("{} as element {}", *wrong, wrong - values.begin()),
                  "finite weights");
    }
    if (turned) transpose(shape[1], shape[0], values);
    return values;
  }

  // The only place of a part; a fault if there is none, or several.
  const TensorPlace* find(std::int64_t layer, GatePart kind) {
    const auto found = parts_.find({layer, kind});
    if (found == parts_.end()) {
      const auto other = std::find_if(parts_.begin(), parts_.end(), [&](const auto& entry) {
        return entry.first.second == kind;
      });
      static constexpr const char* kWhat[] = {"no gate", "no gate bias", "no correction bias"};
      faults_.add(0, fmt::format("layer {}", layer), kWhat[static_cast<std::size_t>(kind)],
                  other == parts_.end() ? gate_names(layer, kind)
                                        : "one as " + shown(other->second.front()->name));
      return nullptr;
    }
    const std::vector<const TensorPlace*>& places = found->second;
    if (places.size() > 1) {
      faults_.add(0, place_text(layer, places[1]->name), "another tensor for the same",
                  "only one, as " + shown(places[0]->name));
      return nullptr;
    }
    return places.front();
  }

  const ModelSpec& model_;
  Checkpoint checkpoint_;
  FileFaults faults_;
  std::map<std::pair<std::int64_t, GatePart>, std::vector<const TensorPlace*>> parts_;
};

}  // namespace

std::vector<Gate> read_gate_weights(const std::string& path, const ModelSpec& model) {
  if (!model.is_moe()) {
    refuse_file(path, fmt::format("gates for {}, which has no experts", model.name),
                "a mixture-of-experts model");
  }
  GateReader reader(path, model);
  std::vector<Gate> gates;
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    if (model.layers[layer].moe) gates.push_back(reader.read(static_cast<std::int64_t>(layer)));
  }
  reader.throw_if_any();
  return gates;
}

}  // namespace moesim
