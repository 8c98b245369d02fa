#include <array>

#include "models/quantisation/quant_methods.h"

namespace moesim {
namespace {

struct Algorithm {
  const char* name;
  WeightFormat format;
};

// Source: NVIDIA TensorRT-Model-Optimizer, modelopt/torch/export/model_config.py; vLLM,
// modelopt.py.
const std::array kAlgorithms = {
    Algorithm{"FP8", {Dtype::kFp8, Dtype::kFp8}},
    Algorithm{"FP8_PER_CHANNEL_PER_TOKEN", {Dtype::kFp8, Dtype::kFp8}},
    Algorithm{"FP8_PB_WO", {Dtype::kFp8, Dtype::kFp8, 128, 128, 4}},
    Algorithm{"FP8_PB_REAL", {Dtype::kFp8, Dtype::kFp8, 128, 128, 4}},
    Algorithm{"MXFP8", {Dtype::kFp8, Dtype::kFp8, 32, 1, 1}},
    Algorithm{"NVFP4", {Dtype::kFp4, Dtype::kFp4, 16, 1, 1}},
    Algorithm{"NVFP4_AWQ", {Dtype::kFp4, Dtype::kFp4, 16, 1, 1}},
    Algorithm{"W4A16_NVFP4", {Dtype::kFp4, Dtype::kBf16, 16, 1, 1}},
    Algorithm{"W4A8_NVFP4_FP8", {Dtype::kFp4, Dtype::kFp8, 16, 1, 1}},
    Algorithm{"MXFP4", {Dtype::kFp4, Dtype::kFp4, 32, 1, 1}},
    Algorithm{"W4A8_MXFP4_FP8", {Dtype::kFp4, Dtype::kFp8, 32, 1, 1}},
    Algorithm{"W4A16_AWQ", {Dtype::kInt4, Dtype::kBf16, 128, 1, 2}},
    Algorithm{"W4A8_AWQ", {Dtype::kInt4, Dtype::kFp8, 128, 1, 2}},
    Algorithm{"W8A8_SQ_PER_CHANNEL", {Dtype::kInt8, Dtype::kInt8}},
    Algorithm{"W8A16", {Dtype::kInt8, Dtype::kBf16}},
};

constexpr const char* kMixed = "MIXED_PRECISION";

// The format of `quant_algo` with the `group_size` beside it; nothing after a fault.
std::optional<WeightFormat> algorithm_format(BlockFields& fields, const Value& place) {
  const auto stated = fields.find("quant_algo");
  std::vector<std::string> names;
  for (const Algorithm& algorithm : kAlgorithms) {
    names.emplace_back(algorithm.name);
    if (!stated || !stated->is_scalar() || stated->node().Scalar() != algorithm.name) continue;
    WeightFormat format = algorithm.format;
    const std::int64_t group = fields.whole_or("group_size", format.group_size, 1, 65536);
    if (format.group_size > 0 && format.group_outputs == 1) format.group_size = group;
    if (fields.flag_or("has_zero_point", false)) format.zero_point_bytes = 0.5;
    return format;
  }
  (stated ? *stated : place).fault("one of " + comma_list(names) + " expected");
  return std::nullopt;
}

void read_layers(const MethodInput& in, const Value& layers) {
  for (const auto& [name, layer] : layers.entries()) {
    BlockFields fields(layer);
    if (const auto format = algorithm_format(fields, layer)) {
      in.rules.named.push_back({name, layer, format});
    }
  }
}

}  // namespace

void read_modelopt(const MethodInput& in) {
  in.fields.expect({"pre_quant_scale", "group_size", "has_zero_point"});
  read_ignored(in, {"ignore", "exclude_modules"});
  for (const char* key : {"kv_cache_scheme", "kv_cache_quant_algo"}) {
    if (const auto kv = in.fields.find(key)) in.rules.kv = read_kv_format(*kv);
  }
  const auto layers = in.fields.find("quantized_layers");
  const auto groups = in.fields.find("config_groups");
  if (in.fields.text_or("quant_algo", "") != kMixed) {
    in.rules.otherwise = algorithm_format(in.fields, in.fields.value());
    if (layers) layers->fault("absent expected: only MIXED_PRECISION names its layers");
    return;
  }
  if (layers) return read_layers(in, *layers);
  if (groups) return read_compressed_tensors(in);
  in.fields.value().fault(
      "quantized_layers expected: MIXED_PRECISION alone does not say which layers have which "
      "format",
      kMixed);
}

}  // namespace moesim
