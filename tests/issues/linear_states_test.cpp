// States of linear attention were set aside for max_num_seqs sequences whatever the engine, so that
// hybrid models "could not run" on devices that serve them.
#include <gtest/gtest.h>

#include "models/config/catalog.h"
#include "models/memory/memory_ledger.h"
#include "models/spec/model_formats.h"
#include "sim/deployment/engine_profile.h"

namespace moesim {
namespace {

// The widths of Qwen3.6-35B-A3B.
const char* const kHybrid = R"({
"architectures": ["Qwen3_5MoeForConditionalGeneration"],
"text_config": {"hidden_size": 2048, "num_hidden_layers": 40, "num_attention_heads": 16,
"num_key_value_heads": 2, "head_dim": 256, "vocab_size": 248320,
"max_position_embeddings": 262144, "moe_intermediate_size": 512,
"shared_expert_intermediate_size": 512, "num_experts": 256, "num_experts_per_tok": 8,
"linear_num_key_heads": 16, "linear_num_value_heads": 32, "linear_key_head_dim": 128,
"linear_value_head_dim": 128, "linear_conv_kernel_dim": 4, "full_attention_interval": 4}})";

MemoryLedger on_one_h100(const std::string& engine) {
  DeviceSpec device;
  device.memory = Bytes(85.0e9);
  DtypePlan fp8;
  fp8.weights = FormatName::kFp8;
  return memory_ledger(in_formats(read_config(kHybrid, "hybrid.json", "hybrid"), fp8), {}, fp8,
                       serving_policy(engine, device.memory).memory, device, {});
}

TEST(LinearStates, AHybridModelServesAtDefaults) {
  const MemoryLedger paged = on_one_h100("vllm");
  EXPECT_TRUE(paged.fits());
  EXPECT_EQ(paged.block.states, 3);     // 30 linear layers in groups of 10.
  EXPECT_EQ(paged.block.tokens, 1056);  // As vLLM 0.18 logs for this model.
  EXPECT_TRUE(on_one_h100("sglang").fits());
  EXPECT_FALSE(on_one_h100("vllm 0.10").fits());  // 1,024 states of 64 MB beside the pool.
}

// Ten blocks, three of them for the states: seven are left for tokens.
TEST(LinearStates, ASequenceNeedsItsStatesBesideItsTokens) {
  MemoryLedger ledger;
  ledger.block = {.tokens = 1056, .groups = 1, .states = 3};
  ledger.kv_blocks = 10;
  ledger.kv_capacity_tokens = 10 * 1056;
  EXPECT_TRUE(ledger.holds(7 * 1056));
  EXPECT_FALSE(ledger.holds(7 * 1056 + 1));
}

TEST(LinearStates, ARefusalNamesFewerSequences) {
  DeviceSpec device;
  device.memory = Bytes(85.0e9);
  DtypePlan fp8;
  fp8.weights = FormatName::kFp8;
  EngineMemoryRules rules = serving_policy("vllm 0.10", device.memory).memory;
  const ModelSpec model = in_formats(read_config(kHybrid, "hybrid.json", "hybrid"), fp8);
  const auto fewer = fitting_max_num_seqs(model, {{}, fp8}, rules, device, {});
  ASSERT_TRUE(fewer);
  rules.max_num_seqs = *fewer;
  EXPECT_TRUE(memory_ledger(model, {}, fp8, rules, device, {}).fits());
  ++rules.max_num_seqs;
  EXPECT_FALSE(memory_ledger(model, {}, fp8, rules, device, {}).fits());
}

}  // namespace
}  // namespace moesim
