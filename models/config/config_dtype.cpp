#include "models/config/config_dtype.h"

#include <array>

namespace moesim {
namespace {

Dtype read_torch_dtype(const ConfigFields& fields) {
  const std::string name = fields.text_or({"torch_dtype", "dtype"}, "bfloat16");
  if (name == "bfloat16") return Dtype::kBf16;
  if (name == "float16") return Dtype::kFp16;
  if (name == "float32") return Dtype::kFp32;
  if (name == "float8_e4m3fn") return Dtype::kFp8;
  fields.fault({"torch_dtype", "dtype"},
               "one of bfloat16, float16, float32, float8_e4m3fn expected");
  return Dtype::kBf16;
}

// True if a list of modules that stay as they are names the attention.
bool leaves_attention(const ConfigFields& method) {
  for (const char* name : {"modules_to_not_convert", "ignore", "exclude_modules"}) {
    const auto list = method.find({name});
    if (!list || !list->is_list()) continue;
    for (const Value& item : list->items()) {
      const bool text = item.is_scalar();
      if (text && item.node().Scalar().find("self_attn") != std::string::npos) return true;
    }
  }
  return false;
}

Dtype integer_dtype(const ConfigFields& fields, Names bits, std::int64_t otherwise) {
  const std::int64_t width = fields.count_or(bits, otherwise, 64);
  if (width == 4) return Dtype::kInt4;
  if (width == 8) return Dtype::kInt8;
  fields.fault(bits, "4 or 8 bits expected");
  return Dtype::kInt4;
}

// compressed-tensors: config_groups.<name>.weights with num_bits and type.
Dtype compressed_dtype(const ConfigFields& method) {
  const auto groups = method.find({"config_groups"});
  if (groups && groups->is_map()) {
    for (const auto& [name, group] : groups->entries()) {
      if (!group.is_map()) continue;
      const auto weights = ConfigFields(group).nested("weights");
      if (!weights) continue;
      if (weights->text_or({"type"}, "int") == "int")
        return integer_dtype(*weights, {"num_bits"}, 4);
      return weights->count_or({"num_bits"}, 8, 64) == 4 ? Dtype::kFp4 : Dtype::kFp8;
    }
  }
  method.fault({"config_groups"}, "a group with weights of num_bits and type expected");
  return Dtype::kBf16;
}

Dtype modelopt_dtype(const ConfigFields& method) {
  const std::string algorithm = method.text_or({"quant_algo"}, "missing");
  if (algorithm == "FP8") return Dtype::kFp8;
  if (algorithm == "NVFP4") return Dtype::kFp4;
  method.fault({"quant_algo"}, "FP8 or NVFP4 expected");
  return Dtype::kBf16;
}

Dtype bits_and_bytes_dtype(const ConfigFields& method) {
  return method.flag_or({"load_in_8bit"}, false) ? Dtype::kInt8 : Dtype::kInt4;
}

Dtype gptq_dtype(const ConfigFields& method) {
  return integer_dtype(method, {"bits", "w_bit"}, 4);
}
Dtype fp8_dtype(const ConfigFields&) {
  return Dtype::kFp8;
}
Dtype mxfp4_dtype(const ConfigFields&) {
  return Dtype::kFp4;
}

struct QuantMethod {
  const char* name;
  Dtype (*read)(const ConfigFields& method);
};

constexpr std::array kQuantMethods = {
    QuantMethod{"fp8", fp8_dtype},           QuantMethod{"fbgemm_fp8", fp8_dtype},
    QuantMethod{"mxfp4", mxfp4_dtype},       QuantMethod{"awq", gptq_dtype},
    QuantMethod{"gptq", gptq_dtype},         QuantMethod{"compressed-tensors", compressed_dtype},
    QuantMethod{"modelopt", modelopt_dtype}, QuantMethod{"bitsandbytes", bits_and_bytes_dtype},
};

}  // namespace

NativeDtypes read_native_dtypes(const ConfigFields& fields) {
  const Dtype plain = read_torch_dtype(fields);
  const auto method = fields.nested("quantization_config");
  if (!method) return {plain, plain};
  const std::string name = method->text_or({"quant_method"}, "missing");
  std::vector<std::string> known;
  for (const QuantMethod& candidate : kQuantMethods) {
    known.emplace_back(candidate.name);
    if (name != candidate.name) continue;
    const Dtype quantised = candidate.read(*method);
    return {leaves_attention(*method) ? plain : quantised, quantised};
  }
  method->fault({"quant_method"}, "one of " + comma_list(known) + " expected");
  return {plain, plain};
}

}  // namespace moesim
