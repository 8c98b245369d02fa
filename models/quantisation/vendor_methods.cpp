// AMD Quark and torchao.
#include <array>

#include "models/quantisation/quant_methods.h"

namespace moesim {
namespace {

// The element type of a Quark tensor by its dtype: fp8_e4m3, int4, uint4, int8, fp4, mxfp4.
std::optional<Dtype> quark_dtype(const Value& place) {
  const std::string name = place.is_scalar() ? place.node().Scalar() : "";
  if (name.starts_with("fp8")) return Dtype::kFp8;
  if (name == "fp4" || name == "mxfp4") return Dtype::kFp4;
  if (name == "int8" || name == "uint8") return Dtype::kInt8;
  if (name == "int4" || name == "uint4") return Dtype::kInt4;
  if (name == "bfloat16" || name == "float16") return Dtype::kBf16;
  place.fault("one of fp8_e4m3, fp4, int8, uint8, int4, uint4 expected");
  return std::nullopt;
}

// A tensor's map, or the first of a list of them.
std::optional<Value> tensor_of(const std::optional<Value>& tensor) {
  if (!tensor || tensor->is_map()) return tensor;
  if (!tensor->is_list() || tensor->node().size() == 0) return std::nullopt;
  return tensor->items().front();
}

std::optional<WeightFormat> quark_format(const Value& layer, const WeightFormat& wide) {
  BlockFields fields(layer);
  const auto weight = tensor_of(fields.find("weight"));
  if (!weight || !weight->is_map()) return std::nullopt;
  BlockFields weights(*weight);
  const auto type = weights.find("dtype");
  const auto dtype = type ? quark_dtype(*type) : std::nullopt;
  if (!dtype || *dtype == Dtype::kBf16) return std::nullopt;
  WeightFormat format{.dtype = *dtype, .activations = wide.dtype};
  if (weights.text_or("qscheme", "per_tensor") == "per_group") {
    const bool is_float = *dtype == Dtype::kFp4 || *dtype == Dtype::kFp8;
    format.group_size = weights.whole_or("group_size", is_float ? 32 : 128, 1, 65536);
    format.scale_bytes = is_float ? 1 : 2;
    const bool symmetric = weights.flag_or("symmetric", true);
    if (!is_float && !symmetric) format.zero_point_bytes = element_bytes(*dtype);
  }
  const auto input = tensor_of(fields.find("input_tensors"));
  if (!input || !input->is_map()) return format;
  BlockFields inputs(*input);
  const auto input_type = inputs.find("dtype");
  if (input_type) format.activations = quark_dtype(*input_type).value_or(wide.dtype);
  return format;
}

}  // namespace

void read_quark(const MethodInput& in) {
  in.fields.expect({"algo_config", "export", "kv_cache_post_rope", "layer_type_quant_config",
                    "log_severity_level", "min_kv_scale", "quant_mode", "softmax_quant_spec",
                    "kv_cache_quant_config"});
  read_ignored(in, {"exclude"});
  const auto global = in.fields.find("global_quant_config");
  if (global && global->is_map()) in.rules.otherwise = quark_format(*global, in.wide);
  if (!global) {
    in.fields.value().fault("global_quant_config expected", "missing");
  }
  if (const auto kv = in.fields.find("kv_cache_quant_config")) {
    if (kv->is_map() && kv->node().size() > 0) in.rules.kv = Dtype::kFp8;
  }
  const auto layers = in.fields.find("layer_quant_config");
  if (!layers) return;
  in.rules.first_wins = true;
  for (const auto& [name, layer] : layers->entries()) {
    if (layer.is_map()) in.rules.named.push_back({name, layer, quark_format(layer, in.wide)});
  }
}

namespace {

struct TorchaoType {
  const char* names[2];  // Of the class and of the older function.
  WeightFormat format;
};

// Source: pytorch/ao, torchao/quantization/quant_api.py and prototype/mx_formats.
const std::array kTorchaoTypes = {
    TorchaoType{{"Int4WeightOnlyConfig", "int4_weight_only"},
                {Dtype::kInt4, Dtype::kBf16, 128, 1, 2, 2}},
    TorchaoType{{"Int8WeightOnlyConfig", "int8_weight_only"}, {Dtype::kInt8, Dtype::kBf16}},
    TorchaoType{{"Int8DynamicActivationInt8WeightConfig", "int8_dynamic_activation_int8_weight"},
                {Dtype::kInt8, Dtype::kInt8}},
    TorchaoType{{"Int8DynamicActivationInt4WeightConfig", "int8_dynamic_activation_int4_weight"},
                {Dtype::kInt4, Dtype::kInt8, 32, 1, 4}},
    TorchaoType{{"Float8WeightOnlyConfig", "float8_weight_only"}, {Dtype::kFp8, Dtype::kBf16}},
    TorchaoType{
        {"Float8DynamicActivationFloat8WeightConfig", "float8_dynamic_activation_float8_weight"},
        {Dtype::kFp8, Dtype::kFp8}},
    TorchaoType{
        {"Float8DynamicActivationInt4WeightConfig", "float8_dynamic_activation_int4_weight"},
        {Dtype::kInt4, Dtype::kFp8, 128, 1, 2}},
    TorchaoType{{"NVFP4DynamicActivationNVFP4WeightConfig", "NVFP4InferenceConfig"},
                {Dtype::kFp4, Dtype::kFp4, 16, 1, 1}},
    TorchaoType{{"MXDynamicActivationMXWeightConfig", "MXFPInferenceConfig"},
                {Dtype::kFp8, Dtype::kFp8, 32, 1, 1}},
};

std::optional<WeightFormat> torchao_format(const Value& place, const std::string& name,
                                           std::int64_t group_size) {
  std::vector<std::string> known;
  for (const TorchaoType& type : kTorchaoTypes) {
    known.emplace_back(type.names[0]);
    if (name != type.names[0] && name != type.names[1]) continue;
    WeightFormat format = type.format;
    if (format.group_size > 0 && group_size > 0) format.group_size = group_size;
    return format;
  }
  place.fault("one of " + comma_list(known) + " expected", name);
  return std::nullopt;
}

// {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 128}}; null: stays wide.
std::optional<WeightFormat> torchao_entry(const Value& entry) {
  BlockFields fields(entry);
  std::int64_t group_size = 0;
  if (const auto data = fields.find("_data"); data && data->is_map()) {
    BlockFields inside(*data);
    group_size = inside.whole_or("group_size", 0, -1, 65536);
  }
  return torchao_format(entry, fields.text_or("_type", ""), group_size);
}

// A configuration for each module under its name, with "_default" for the others.
void read_by_module(const MethodInput& in, const Value& modules) {
  for (const auto& [name, entry] : modules.entries()) {
    const auto format = entry.is_map() ? torchao_entry(entry) : std::nullopt;
    if (name == "_default") {
      in.rules.otherwise = format;
    } else {
      in.rules.named.push_back({name, entry, format});
    }
  }
}

}  // namespace

void read_torchao(const MethodInput& in) {
  in.fields.expect(
      {"include_input_output_embeddings", "quant_type_kwargs", "untie_embedding_weights"});
  read_ignored(in, {"modules_to_not_convert"});
  const auto type = in.fields.find("quant_type");
  if (!type) return in.fields.value().fault("quant_type expected", "missing");
  if (type->is_scalar()) {
    std::int64_t group_size = 0;
    if (const auto options = in.fields.find("quant_type_kwargs"); options && options->is_map()) {
      group_size = BlockFields(*options).whole_or("group_size", 0, -1, 65536);
    }
    in.rules.otherwise = torchao_format(*type, type->node().Scalar(), group_size);
    return;
  }
  BlockFields kinds(*type);
  const Value entry = kinds.find("default").value_or(*type);
  BlockFields fields(entry);
  const auto data = fields.find("_data");
  const auto modules = data && data->is_map()
                           ? BlockFields(*data).find_any({"module_fqn_to_config", "fqn_to_config"})
                           : std::nullopt;
  if (modules) return read_by_module(in, *modules);
  in.rules.otherwise = torchao_entry(entry);
}

}  // namespace moesim
