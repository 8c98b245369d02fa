// The methods of quantisation, each with the function that reads its block.
#pragma once

#include "models/quantisation/block_fields.h"
#include "models/quantisation/format_rules.h"

namespace moesim {

struct MethodInput {
  BlockFields& fields;
  const WeightFormat& wide;
  FormatRules& rules;
};
using MethodReader = void (*)(const MethodInput&);

// compressed-tensors: groups of targets with a format each.
void read_compressed_tensors(const MethodInput& in);
// NVIDIA ModelOpt: one algorithm, or one for each module (MIXED_PRECISION).
void read_modelopt(const MethodInput& in);
// fp8, fbgemm_fp8, mxfp4: one format with exceptions.
void read_fp8(const MethodInput& in);
void read_fbgemm_fp8(const MethodInput& in);
void read_mxfp4(const MethodInput& in);
// awq, gptq, bitsandbytes, auto-round: integers with other formats for some modules.
void read_awq(const MethodInput& in);
void read_gptq(const MethodInput& in);
void read_bits_and_bytes(const MethodInput& in);
void read_auto_round(const MethodInput& in);
// AMD Quark, torchao.
void read_quark(const MethodInput& in);
void read_torchao(const MethodInput& in);

// Adds the modules that stay wide, of every list that is there.
void read_ignored(const MethodInput& in, std::initializer_list<const char*> lists);

}  // namespace moesim
