#include "models/spec/model_formats.h"

#include "models/spec/rank_shapes.h"

namespace moesim {
namespace {

// The names of both feed-forward forms, so that a change of form keeps the format.
void set_ffn(MatrixFormats& formats, const WeightFormat& format) {
  for (const char* matrix : {"gate_up", "up", "down"}) formats.set(matrix, format);
}

}  // namespace

void set_linear_format(const ModelSpec& model, LayerSpec& layer, const WeightFormat& format) {
  for (const Matrix& matrix : attention_matrices(layer.attention, model.hidden_size, 1)) {
    layer.formats.attention.set(matrix.name, format);
  }
  set_ffn(layer.formats.dense, format);
  set_ffn(layer.formats.shared, format);
}

void set_routed_format(LayerSpec& layer, const WeightFormat& format) {
  set_ffn(layer.formats.routed, format);
}

ModelSpec in_formats(ModelSpec model, const DtypePlan& dtypes) {
  if (!dtypes.weights && !model.format_faults.empty()) {
    std::vector<Fault> faults = model.format_faults;
    faults.back().allowed += "; a scenario's dtype.weights takes the place of these formats";
    throw InputError(faults);
  }
  const auto experts = dtypes.experts ? dtypes.experts : dtypes.weights;
  for (LayerSpec& layer : model.layers) {
    if (dtypes.weights) set_linear_format(model, layer, named_format(*dtypes.weights));
    if (experts) set_routed_format(layer, named_format(*experts));
  }
  if (!dtypes.weights) return model;
  model.format_notes.clear();
  const Dtype stated = named_format(*dtypes.weights).dtype;
  model.wide_dtype = element_bytes(stated) < 2 ? Dtype::kBf16 : stated;
  model.head_format = plain_format(model.wide_dtype);
  return model;
}

std::optional<ModelSpec> narrowed(ModelSpec model, FormatName narrow) {
  const WeightFormat format = named_format(narrow);
  bool any = false;
  const auto narrow_down = [&](MatrixFormats& formats, const Matrices& matrices) {
    for (const Matrix& matrix : matrices) {
      if (element_bytes(formats.of(matrix.name).dtype) <= element_bytes(format.dtype)) continue;
      formats.set(matrix.name, format);
      any = true;
    }
  };
  const std::int64_t hidden = model.hidden_size;
  for (LayerSpec& layer : model.layers) {
    narrow_down(layer.formats.attention, attention_matrices(layer.attention, hidden, 1));
    if (layer.dense_width > 0) {
      narrow_down(layer.formats.dense,
                  ffn_matrices(hidden, layer.dense_width, layer.dense_matrices, 1));
    }
    if (!layer.moe) continue;
    const MoeSpec& moe = *layer.moe;
    const Matrices experts = ffn_matrices(hidden, moe.expert_width, moe.ffn_matrices, 1);
    narrow_down(layer.formats.routed, experts);
    if (moe.shared_width > 0) narrow_down(layer.formats.shared, experts);
  }
  if (!any) return std::nullopt;
  return model;
}

WeightFormat main_format(const ModelSpec& model) {
  for (const LayerSpec& layer : model.layers) {
    if (layer.moe) return layer.formats.routed.of("down");
  }
  return model.layers.empty() ? WeightFormat{} : model.layers.back().formats.dense.of("down");
}

Dtype usual_dispatch(const ModelSpec& model) {
  const bool fp8 = model.is_moe() && main_format(model).activations == Dtype::kFp8;
  return fp8 ? Dtype::kFp8 : Dtype::kBf16;
}

namespace {

Bytes stored(const Matrices& matrices, const MatrixFormats& formats) {
  Bytes sum;
  for (const Matrix& matrix : matrices) {
    sum += Bytes(static_cast<double>(matrix.elements()) * formats.of(matrix.name).stored_bytes());
  }
  return sum;
}

std::int64_t elements_of(const Matrices& matrices) {
  std::int64_t sum = 0;
  for (const Matrix& matrix : matrices) sum += matrix.elements();
  return sum;
}

// All parameters at their width, and the matrices of `formats` at their own bytes instead.
struct ByFormat {
  double wide_bytes;
  Bytes sum = Bytes();

  void add(std::int64_t params, const Matrices& matrices, const MatrixFormats& formats,
           std::int64_t copies = 1) {
    const std::int64_t rest = params - copies * elements_of(matrices);
    sum += stored(matrices, formats) * static_cast<double>(copies) +
           Bytes(static_cast<double>(rest) * wide_bytes);
  }
};

}  // namespace

Bytes checkpoint_bytes(const ModelSpec& model) {
  const std::int64_t hidden = model.hidden_size;
  ByFormat bytes{element_bytes(model.wide_dtype)};
  for (const LayerSpec& layer : model.layers) {
    const LayerParameters count = count_parameters(model, layer);
    bytes.add(count.attention, attention_matrices(layer.attention, hidden, 1),
              layer.formats.attention);
    bytes.add(count.norms + count.gate, {}, {});
    if (layer.dense_width > 0) {
      bytes.add(count.dense, ffn_matrices(hidden, layer.dense_width, layer.dense_matrices, 1),
                layer.formats.dense);
    }
    if (!layer.moe) continue;
    const MoeSpec& moe = *layer.moe;
    const std::int64_t input = moe.expert_input > 0 ? moe.expert_input : hidden;
    bytes.add(count.routed, ffn_matrices(input, moe.expert_width, moe.ffn_matrices, 1),
              layer.formats.routed, moe.num_experts);
    if (moe.shared_width == 0) continue;
    bytes.add(count.shared, ffn_matrices(hidden, moe.shared_width, moe.ffn_matrices, 1),
              layer.formats.shared);
  }
  bytes.add(model.embedding_params() + model.position_params + model.final_norm_params, {}, {});
  if (model.tied_embeddings) return bytes.sum;
  return bytes.sum +
         Bytes(static_cast<double>(model.embedding_params()) * model.head_format.stored_bytes());
}

}  // namespace moesim
