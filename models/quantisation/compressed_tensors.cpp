#include "models/quantisation/quant_methods.h"

namespace moesim {
namespace {

// Format of the products: that of the activations where they are quantised.
Dtype activation_format(const std::optional<Value>& activations, const WeightFormat& wide) {
  if (!activations) return wide.dtype;
  BlockFields fields(*activations);
  const std::int64_t bits = fields.whole_or("num_bits", 8, 1, 32);
  const bool is_float = fields.text_or("type", "int") == "float";
  if (bits == 16) return wide.dtype;
  if (bits == 8) return is_float ? Dtype::kFp8 : Dtype::kInt8;
  if (bits == 4 && is_float) return Dtype::kFp4;
  activations->fault("activations of 8 bits, or of 4 bits and type float expected");
  return wide.dtype;
}

WeightFormat float_format(BlockFields& weights, std::int64_t bits, std::int64_t group_size) {
  WeightFormat format;
  format.dtype = bits == 4 ? Dtype::kFp4 : Dtype::kFp8;
  if (bits == 8) {
    const WeightFormat block = fp8_block_format(weights.find("block_structure"), 4);
    format.group_size = block.group_size;
    format.group_outputs = block.group_outputs;
    format.scale_bytes = block.scale_bytes;
  }
  if (format.group_size > 0 || (group_size <= 0 && bits == 8)) return format;
  constexpr std::int64_t kNvfp4Group = 16;
  format.group_size = group_size > 0 ? group_size : kNvfp4Group;
  format.scale_bytes = 1;
  return format;
}

WeightFormat group_format(const Value& group, const MethodInput& in) {
  BlockFields fields(group);
  const auto stated = fields.find("weights");
  if (!stated || !stated->is_map()) return in.wide;
  BlockFields weights(*stated);
  const auto num_bits = weights.find("num_bits");
  const std::int64_t bits = num_bits ? bits_of(*num_bits) : 8;
  const bool is_float = weights.text_or("type", "int") == "float";
  const std::int64_t group_size = weights.whole_or("group_size", 0, -1, 65536);
  const std::string packing = fields.text_or("format", in.fields.text_or("format", ""));
  if (packing.find("fp4") != std::string::npos && (bits != 4 || !is_float)) {
    stated->fault("4 bits of type float expected: the format is " + packing, "other weights");
  }
  WeightFormat format =
      is_float ? float_format(weights, bits, group_size)
               : integer_format(bits, group_size, weights.flag_or("symmetric", true), in.wide);
  format.activations = activation_format(fields.find("input_activations"), in.wide);
  return format;
}

}  // namespace

void read_compressed_tensors(const MethodInput& in) {
  in.fields.expect({"format", "global_compression_ratio"});
  read_ignored(in, {"ignore"});
  if (const auto kv = in.fields.find("kv_cache_scheme")) in.rules.kv = read_kv_format(*kv);
  if (const auto sparsity = in.fields.find("sparsity_config")) {
    if (sparsity->is_map() && sparsity->node().size() > 0) {
      const YAML::Node format = sparsity->node()["format"];
      const bool dense = format.IsDefined() && format.IsScalar() && format.Scalar() == "dense";
      if (!dense) sparsity->fault("absent expected: sparse weights cannot be represented");
    }
  }
  const auto groups = in.fields.find("config_groups");
  if (!groups || !groups->is_map() || groups->node().size() == 0) {
    const Value& block = in.fields.value();
    block.faults().add({block.file(), block.line(), block.path() + ".config_groups", "missing",
                        "a group with weights of num_bits and type expected"});
    return;
  }
  for (const auto& [name, group] : groups->entries()) {
    const WeightFormat format = group_format(group, in);
    BlockFields fields(group);
    const std::vector<Value> targets = fields.list("targets");
    if (targets.empty()) in.rules.otherwise = format;
    for (const Value& target : targets) {
      const std::string& entry = target.node().Scalar();
      if (entry == "Linear" && in.rules.otherwise && *in.rules.otherwise != format) {
        target.fault("one group for all linear layers expected: two give them two formats");
      }
      if (entry == "Linear") {
        in.rules.otherwise = format;
      } else {
        in.rules.named.push_back({entry, target, format});
      }
    }
  }
}

}  // namespace moesim
