#include "models/quantisation/format_rules.h"

#include <array>

#include "models/quantisation/quant_methods.h"

namespace moesim {
namespace {

struct Method {
  const char* name;
  MethodReader read;
};

constexpr std::array kMethods = {
    Method{"auto-round", read_auto_round},
    Method{"awq", read_awq},
    Method{"bitsandbytes", read_bits_and_bytes},
    Method{"compressed-tensors", read_compressed_tensors},
    Method{"fbgemm_fp8", read_fbgemm_fp8},
    Method{"fp8", read_fp8},
    Method{"gptq", read_gptq},
    Method{"modelopt", read_modelopt},
    Method{"mxfp4", read_mxfp4},
    Method{"quark", read_quark},
    Method{"torchao", read_torchao},
};

// Names that mean one of the methods above.
std::string usual_name(const std::string& name) {
  if (name == "modelopt_fp4" || name == "modelopt_mixed" || name == "nvfp4") return "modelopt";
  if (name == "intel/auto-round" || name == "auto_round" || name == "autoround") {
    return "auto-round";
  }
  if (name == "awq_marlin") return "awq";
  if (name == "gptq_marlin") return "gptq";
  return name == "compressed_tensors" ? "compressed-tensors" : name;
}

// A block without quant_method says by its other fields whose it is.
std::string implied_method(BlockFields& fields) {
  const auto producer = fields.find("producer");
  const bool by_modelopt = producer && producer->is_map() && producer->node()["name"].IsDefined() &&
                           producer->node()["name"].IsScalar() &&
                           producer->node()["name"].Scalar() == "modelopt";
  if (by_modelopt || fields.find("quant_algo")) return "modelopt";
  if (fields.find("config_groups")) return "compressed-tensors";
  if (fields.find("weight_block_size")) return "fp8";
  if (fields.find("load_in_4bit") || fields.find("load_in_8bit")) return "bitsandbytes";
  return "";
}

void refuse_method(BlockFields& fields) {
  std::vector<std::string> names;
  for (const Method& method : kMethods) names.emplace_back(method.name);
  const std::string allowed = "one of " + comma_list(names) + " expected";
  if (const auto method = fields.find("quant_method")) return method->fault(allowed);
  const Value& block = fields.value();
  block.faults().add(
      {block.file(), block.line(), block.path() + ".quant_method", "missing", allowed});
}

// An algorithm per module may stand on top of another method's block, which is then the base.
bool has_algorithm_per_module(BlockFields& fields) {
  return fields.text_or("quant_algo", "") == "MIXED_PRECISION";
}

}  // namespace

FormatRules read_format_rules(const Value& block, const WeightFormat& wide) {
  FormatRules rules;
  BlockFields fields(block);
  fields.expect({"producer", "quant_library", "quantization_status", "version", "quant_algo"});
  const auto stated = fields.find("quant_method");
  const std::string name =
      stated ? usual_name(stated->text().value_or("")) : implied_method(fields);
  const MethodInput in{fields, wide, rules};
  bool known = false;
  for (const Method& method : kMethods) {
    if (name != method.name) continue;
    method.read(in);
    known = true;
  }
  if (!known) refuse_method(fields);
  if (known && name != "modelopt" && has_algorithm_per_module(fields)) read_modelopt(in);
  const auto algorithm = known && name != "modelopt" ? fields.find("quant_algo") : std::nullopt;
  if (algorithm && !has_algorithm_per_module(fields)) {
    algorithm->fault("absent expected: quant_method is " + name + ", which has no algorithms");
  }
  rules.unread = fields.unread();
  return rules;
}

void read_ignored(const MethodInput& in, std::initializer_list<const char*> lists) {
  for (const char* key : lists) {
    for (const Value& item : in.fields.list(key)) {
      in.rules.ignored.push_back({item.node().Scalar(), item, std::nullopt});
    }
  }
}

}  // namespace moesim
