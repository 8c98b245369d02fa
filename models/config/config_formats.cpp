#include "models/config/config_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/quantisation/apply_formats.h"

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

// The same place, with faults of its own.
Value apart(const Value& value, Faults& faults) {
  return {value.node(), value.file(), value.path(), &faults};
}

std::string algorithm_of(const Value& block) {
  const YAML::Node algorithm = block.is_map() ? block.node()["quant_algo"] : YAML::Node();
  return algorithm.IsDefined() && algorithm.IsScalar() ? algorithm.Scalar() : "";
}

// The block of hf_quant_config.json.
std::optional<Value> block_beside(const std::optional<ConfigFile>& beside, Faults& faults) {
  if (!beside) return std::nullopt;
  const Value root(parse_document(beside->text, beside->file, kMaxConfigBytes), beside->file, "",
                   &faults);
  const YAML::Node block = root.is_map() ? root.node()["quantization"] : YAML::Node();
  if (block.IsDefined() && block.IsMap()) return root.child(block, "quantization");
  root.fault("a map with the key quantization expected");
  return std::nullopt;
}

std::optional<Value> block_of(const ConfigFields& fields, const std::optional<ConfigFile>& beside,
                              Faults& faults) {
  const auto aside = block_beside(beside, faults);
  const auto found = fields.find({"quantization_config", "compression_config"});
  if (!found) return aside;
  const Value own = apart(*found, faults);
  if (!own.is_map()) {
    own.fault("a map expected");
    return std::nullopt;
  }
  if (!aside) return own;
  const std::string stated = algorithm_of(own), other = algorithm_of(*aside);
  if (!stated.empty() && !other.empty() && stated != other) {
    own.fault(fmt::format("{} expected, as in {}", other, beside->file),
              fmt::format("quant_algo {}", stated));
  }
  return own;
}

bool is_quantised(const MatrixFormats& formats) {
  for (const char* matrix : {"qkv", "q_b", "in", "o", "gate_up", "up", "down"}) {
    if (element_bytes(formats.of(matrix).dtype) < 2) return true;
  }
  return false;
}

bool is_quantised(const ModelSpec& model) {
  return std::any_of(model.layers.begin(), model.layers.end(), [](const LayerSpec& layer) {
    const LayerFormats& formats = layer.formats;
    return is_quantised(formats.attention) || is_quantised(formats.dense) ||
           is_quantised(formats.shared) || is_quantised(formats.routed);
  });
}

// The word of a name that promises a format: "fp8" of "Llama-3.1-70B-Instruct-FP8".
std::string promised_format(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return std::isalnum(c) != 0 ? static_cast<char>(std::tolower(c)) : ' ';
  });
  const std::string words = " " + name + " ";
  constexpr std::array kFormats = {"fp8", "nvfp4", "mxfp4", "fp4",      "int4", "int8",
                                   "awq", "gptq",  "w4a16", "w8a8",     "4bit", "8bit",
                                   "bnb", "mxfp8", "w8a16", "autoround"};
  for (const char* format : kFormats) {
    if (words.find(fmt::format(" {} ", format)) != std::string::npos) return format;
  }
  return "";
}

void note_broken_promise(const ConfigFields& fields, ModelSpec& model) {
  const auto path = fields.find({"_name_or_path"});  // Empty in many files.
  const std::string published = path && path->node().IsScalar() ? path->node().Scalar() : "";
  for (const std::string& name : {model.name, published}) {
    const std::string format = promised_format(name);
    if (format.empty() || is_quantised(model)) continue;
    model.format_notes.push_back(fmt::format(
        "{} promises {}, but neither the config nor an hf_quant_config.json beside it says so: "
        "read as {}. dtype.weights of a scenario states another format.",
        name, format, word_of(model.wide_dtype)));
    return;
  }
}

// DeepSeek-V4 says beside its block that the routed experts are in mxfp4, multiplied with fp8.
// A block that names the experts itself (its nvfp4 forms) speaks for them. Source: vLLM,
// models/deepseek_v4.py.
void read_expert_dtype(const ConfigFields& fields, const Value& place, FormatRules& rules) {
  const auto stated = fields.find({"expert_dtype"});
  if (!stated || !rules.named.empty()) return;
  const std::string dtype = stated->text().value_or("");
  WeightFormat format = named_format(FormatName::kMxfp4);
  format.activations = Dtype::kFp8;
  if (dtype == "fp4") rules.named.push_back({"experts", place, format});
  if (dtype != "fp4" && dtype != "fp8") {
    place.fault("expert_dtype fp4 or fp8 expected", dtype);
  }
}

}  // namespace

void read_formats(const ConfigFields& fields, const std::optional<ConfigFile>& beside,
                  ModelSpec& model) {
  const Dtype plain = read_torch_dtype(fields);
  model.wide_dtype = element_bytes(plain) < 2 ? Dtype::kBf16 : plain;
  Faults faults;
  const auto block = block_of(fields, beside, faults);
  FormatRules rules;
  if (block) rules = read_format_rules(*block, plain_format(model.wide_dtype));
  if (!block && plain == Dtype::kFp8) rules.otherwise = named_format(FormatName::kFp8);
  const Value place = block ? *block : Value(YAML::Node(), model.source, "", &faults);
  if (block) read_expert_dtype(fields, place, rules);
  apply_formats(rules, place, model);
  model.format_faults = faults.all();
  for (const std::string& path : rules.unread) {
    model.format_notes.push_back(
        fmt::format("{}: {} is not read; the formats may depend on it.", model.name, path));
  }
  if (faults.empty()) note_broken_promise(fields, model);
}

}  // namespace moesim
