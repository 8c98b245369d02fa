// Methods that round to integers in groups, with other formats for some modules.
#include "models/quantisation/quant_methods.h"

namespace moesim {
namespace {

// What a block or an entry says, where it says it.
struct Integers {
  std::int64_t bits = 4;
  std::int64_t group_size = 128;
  bool symmetric = true;
};

Integers read_integers(BlockFields& fields, Integers otherwise) {
  if (const auto bits = fields.find_any({"bits", "w_bit"})) otherwise.bits = bits_of(*bits);
  if (const auto group = fields.find_any({"group_size", "q_group_size"})) {
    otherwise.group_size = group->integer(-1, 65536).value_or(otherwise.group_size);
  }
  otherwise.symmetric = fields.flag_or("sym", otherwise.symmetric);
  if (fields.find("zero_point")) otherwise.symmetric = !fields.flag_or("zero_point", true);
  return otherwise;
}

WeightFormat format_of(const Integers& integers, const WeightFormat& wide) {
  return integer_format(integers.bits, integers.group_size, integers.symmetric, wide);
}

// Wide where an entry asks for 16 bits or more.
std::optional<WeightFormat> entry_format(const Value& entry, const Integers& base,
                                         const WeightFormat& wide) {
  BlockFields fields(entry);
  const auto bits = fields.find("bits");
  if (bits && bits->is_scalar() &&
      (bits->node().Scalar() == "16" || bits->node().Scalar() == "32")) {
    return std::nullopt;
  }
  return format_of(read_integers(fields, base), wide);
}

}  // namespace

void read_awq(const MethodInput& in) {
  in.fields.expect({"backend", "do_fuse", "exllama_config", "fuse_max_seq_len", "modules_to_fuse"});
  read_ignored(in, {"modules_to_not_convert"});
  in.fields.expect({"version"});
  in.rules.otherwise = format_of(read_integers(in.fields, {.symmetric = false}), in.wide);
}

// `dynamic`: {"-:pattern": {}} stays wide, {"+:pattern": {bits: 8}} has another format; the first
// that matches counts. Source: vLLM, gptq_utils.py.
void read_gptq(const MethodInput& in) {
  in.fields.expect({"backend",
                    "batch_size",
                    "block_name_to_quantize",
                    "cache_block_outputs",
                    "checkpoint_format",
                    "damp_percent",
                    "dataset",
                    "desc_act",
                    "exllama_config",
                    "is_marlin_format",
                    "max_input_length",
                    "meta",
                    "model_file_base_name",
                    "model_name_or_path",
                    "model_seqlen",
                    "module_name_preceding_first_block",
                    "modules_in_block_to_quantize",
                    "pack_dtype",
                    "pad_token_id",
                    "quantize_config_file",
                    "static_groups",
                    "tokenizer",
                    "true_sequential",
                    "use_cuda_fp16",
                    "use_exllama"});
  read_ignored(in, {"modules_to_not_convert"});
  const Integers base = read_integers(in.fields, {});
  in.rules.otherwise = format_of(base, in.wide);
  if (in.fields.flag_or("lm_head", false)) in.rules.head = in.rules.otherwise;
  in.rules.first_wins = true;
  const auto dynamic = in.fields.find("dynamic");
  if (!dynamic) return;
  for (const auto& [key, entry] : dynamic->entries()) {
    const bool negative = key.starts_with("-:");
    const std::string pattern = negative || key.starts_with("+:") ? key.substr(2) : key;
    const auto format =
        negative || !entry.is_map() ? std::nullopt : entry_format(entry, base, in.wide);
    in.rules.named.push_back({"re:" + pattern, entry, format});
  }
}

// 4 bits: an fp32 scale for 64 weights, or an 8-bit one with a second level of scales. 8 bits: a
// scale per output. Source: Dettmers et al., arXiv:2305.14314 section 3.
void read_bits_and_bytes(const MethodInput& in) {
  in.fields.expect({"_load_in_4bit", "_load_in_8bit", "bnb_4bit_compute_dtype",
                    "bnb_4bit_quant_storage", "bnb_4bit_quant_type",
                    "llm_int8_enable_fp32_cpu_offload", "llm_int8_has_fp16_weight",
                    "llm_int8_threshold", "load_in_4bit"});
  read_ignored(in, {"llm_int8_skip_modules", "modules_to_not_convert"});
  if (in.fields.flag_or("load_in_8bit", false)) {
    in.rules.otherwise = integer_format(8, 0, true, in.wide);
    return;
  }
  constexpr double kFp32Scale = 4;
  constexpr double kDoubleScale = 1 + kFp32Scale / 256;
  WeightFormat format = integer_format(4, 64, true, in.wide);
  format.scale_bytes =
      in.fields.flag_or("bnb_4bit_use_double_quant", false) ? kDoubleScale : kFp32Scale;
  in.rules.otherwise = format;
}

// extra_config gives some modules their own bits. Source: intel/auto-round, docs; vLLM, inc.py.
void read_auto_round(const MethodInput& in) {
  in.fields.expect({"amp",
                    "autoround_version",
                    "backend",
                    "batch_size",
                    "block_name_to_quantize",
                    "data_type",
                    "dataset",
                    "enable_minmax_tuning",
                    "enable_norm_bias_tuning",
                    "enable_quanted_input",
                    "gradient_accumulate_steps",
                    "iters",
                    "low_gpu_mem_usage",
                    "lr",
                    "minmax_lr",
                    "nsamples",
                    "packing_format",
                    "quant_block_list",
                    "scale_dtype",
                    "seqlen",
                    "super_bits",
                    "super_group_size",
                    "supported_types",
                    "to_quant_block_names",
                    "train_bs"});
  read_ignored(in, {"modules_to_not_convert"});
  const std::string type = in.fields.text_or("data_type", "int");
  if (type != "int") {
    in.fields.find("data_type")->fault("int expected: other types cannot be represented");
  }
  const auto activations = in.fields.find("act_bits");
  if (activations && activations->integer(1, 32).value_or(16) < 16) {
    activations->fault("16 expected: quantised activations cannot be represented");
  }
  const Integers base = read_integers(in.fields, {});
  in.rules.otherwise = format_of(base, in.wide);
  const auto extra = in.fields.find("extra_config");
  if (!extra) return;
  in.rules.first_wins = true;
  for (const auto& [name, entry] : extra->entries()) {
    const bool is_pattern =
        name.find_first_of("\\^$|()+") != std::string::npos || name.find(".*") != std::string::npos;
    in.rules.named.push_back({is_pattern ? "re:" + name : name, entry,
                              entry.is_map() ? entry_format(entry, base, in.wide) : std::nullopt});
  }
}

}  // namespace moesim
