// Methods with one floating-point format and a list of exceptions.
#include "models/quantisation/quant_methods.h"

namespace moesim {

void read_fp8(const MethodInput& in) {
  in.fields.expect({"activation_scheme", "fmt", "dequantize", "is_checkpoint_fp8_serialized"});
  read_ignored(in, {"modules_to_not_convert", "ignored_layers", "ignore"});
  constexpr double kFp32Scale = 4;
  constexpr double kExponentScale = 1;
  const bool exponents = in.fields.text_or("scale_fmt", "") == "ue8m0";
  in.rules.otherwise = fp8_block_format(in.fields.find("weight_block_size"),
                                        exponents ? kExponentScale : kFp32Scale);
}

// One scale for each output.
void read_fbgemm_fp8(const MethodInput& in) {
  in.fields.expect({"activation_scale_ub"});
  read_ignored(in, {"modules_to_not_convert"});
  in.rules.otherwise = WeightFormat{.dtype = Dtype::kFp8, .activations = Dtype::kFp8};
}

// The method quantises routed experts only. Source: vLLM, mxfp4.py; OpenAI, gpt-oss model card.
void read_mxfp4(const MethodInput& in) {
  in.fields.expect({"dequantize"});
  read_ignored(in, {"modules_to_not_convert"});
  in.rules.named.push_back({"experts", in.fields.value(), named_format(FormatName::kMxfp4)});
}

}  // namespace moesim
