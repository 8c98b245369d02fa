#include "models/memory/memory_ledger.h"

#include <gtest/gtest.h>

#include "models/config/catalog.h"
#include "models/spec/kv_bytes.h"
#include "models/spec/model_formats.h"
#include "tests/models/made_models.h"

namespace moesim {
namespace {

DeviceSpec device_of(double bytes) {
  DeviceSpec device;
  device.name = "made";
  device.memory = Bytes(bytes);
  device.link_domain = 8;
  return device;
}

DeviceSpec device_gib(double gib) {
  return device_of(gib * 1024 * 1024 * 1024);
}

DtypePlan fp8_weights() {
  DtypePlan dtypes;
  dtypes.weights = FormatName::kFp8;
  dtypes.dispatch = Dtype::kFp8;
  return dtypes;
}

ParallelPlan tensor_parallel(std::int64_t tp) {
  ParallelPlan plan;
  plan.tp = plan.moe_tp = tp;
  return plan;
}

ParallelPlan expert_parallel(std::int64_t ranks) {
  ParallelPlan plan;
  plan.attention_dp = plan.ep = ranks;
  return plan;
}

MemoryLedger ledger_of(const ModelSpec& model, const ParallelPlan& plan,
                       const DtypePlan& dtypes = {}, std::int64_t redundant = 0) {
  return memory_ledger(in_formats(model, dtypes), plan, dtypes, {}, device_gib(79.2), {redundant});
}

// Exact elements per device, times 2 bytes.
TEST(Weights, MixtralOverEightRanks) {
  const MemoryLedger ledger = ledger_of(made::mixtral_8x7b(), tensor_parallel(8));
  EXPECT_EQ(ledger.attention_weights.value(), 32 * 4096.0 * 128 * (4 + 4 + 1 + 1) * 2);
  EXPECT_EQ(ledger.routed_weights.value(), 32 * 8 * 3 * 4096.0 * 1792 * 2);
  EXPECT_EQ(ledger.gate_weights.value(), 32 * 8 * 4096 * 2);
  EXPECT_EQ(ledger.embedding_weights.value(), (2 * 4000 * 4096 + 65 * 4096) * 2);
  EXPECT_EQ(ledger.dense_weights.value(), 0);
  EXPECT_EQ(ledger.shared_weights.value(), 0);
}

TEST(Weights, OneDeviceHoldsEveryParameter) {
  for (const ModelSpec& model : {made::tiny_moe(), made::mixtral_8x7b(), made::deepseek_v3()}) {
    EXPECT_EQ(ledger_of(model, {}).weights().value(),
              2.0 * static_cast<double>(count_parameters(model).total));
  }
}

// Padding of the vocabulary and fp32 selection biases aside.
TEST(Weights, OneDeviceHoldsEveryParameterOfEveryShippedModel) {
  DtypePlan wide;
  wide.weights = FormatName::kBf16;
  for (const std::string& name : catalog_names()) {
    const ModelSpec model = load_model(name);
    double expected = 2.0 * static_cast<double>(count_parameters(model).total);
    const std::int64_t padding = (64 - model.vocab_size % 64) % 64 * model.hidden_size;
    expected += 2.0 * static_cast<double>((model.tied_embeddings ? 1 : 2) * padding);
    for (const LayerSpec& layer : model.layers) {
      if (!layer.moe || !layer.moe->router.correction_bias) continue;
      const RouterSpec& router = layer.moe->router;
      expected += 2.0 * static_cast<double>(layer.moe->num_experts + router.num_zero_experts);
    }
    EXPECT_EQ(ledger_of(model, {}, wide).weights().value(), expected) << name;
  }
}

TEST(KvBytes, AgreeWithEveryShippedModelOnOneCopy) {
  for (const std::string& name : catalog_names()) {
    const ModelSpec model = load_model(name);
    EXPECT_EQ(ledger_of(model, {}).kv_bytes_per_token,
              kv_bytes_per_token(model, Dtype::kBf16) + index_bytes_per_token(model))
        << name;
  }
}

TEST(Weights, ExpertLayoutsHoldTheSameBytes) {
  ParallelPlan by_expert;
  by_expert.tp = by_expert.ep = 8;
  const ModelSpec model = made::mixtral_8x7b();
  EXPECT_EQ(ledger_of(model, by_expert).weights(), ledger_of(model, tensor_parallel(8)).weights());
}

TEST(Weights, KvHeadsAreReplicatedBeyondTheirNumber) {
  const ModelSpec model = made::llama_2_70b();
  const double column = 80 * 8192.0 * 128 * 2;  // One head of one projection in all layers.
  EXPECT_EQ(ledger_of(model, tensor_parallel(8)).attention_weights.value(), column * (16 + 2));
  EXPECT_EQ(ledger_of(model, tensor_parallel(16)).attention_weights.value(), column * (8 + 2));
  EXPECT_EQ(ledger_of(model, tensor_parallel(64)).attention_weights.value(), column * (2 + 2));
}

TEST(Weights, LatentInputProjectionsAreReplicated) {
  const ModelSpec model = made::deepseek_v3();
  const double replicated = 7168.0 * (1536 + 576) + 1536 + 512;
  const double split = 1536.0 * 128 * 192 + 512.0 * 128 * 256 + 128.0 * 128 * 7168;
  EXPECT_EQ(ledger_of(model, tensor_parallel(8)).attention_weights.value(),
            61 * 2 * (replicated + split / 8));
}

TEST(Weights, AttentionDataParallelismReplicatesAllButTheExperts) {
  const ModelSpec model = made::deepseek_v3();
  const MemoryLedger one = ledger_of(model, {}, fp8_weights());
  const MemoryLedger many = ledger_of(model, expert_parallel(32), fp8_weights());
  EXPECT_EQ(many.attention_weights, one.attention_weights);
  EXPECT_EQ(many.shared_weights, one.shared_weights);
  EXPECT_EQ(many.embedding_weights, one.embedding_weights);
  EXPECT_EQ(many.routed_weights * 32, one.routed_weights);
}

TEST(Weights, RedundantExpertsTakeTheirPlace) {
  const ModelSpec model = made::deepseek_v3();
  const Bytes eight = ledger_of(model, expert_parallel(32), fp8_weights()).routed_weights;
  const Bytes nine = ledger_of(model, expert_parallel(32), fp8_weights(), 32).routed_weights;
  EXPECT_DOUBLE_EQ(nine / eight, 9.0 / 8);
  EXPECT_NEAR((nine - eight).value() / 58, 44.05e6, 0.01e6);  // One expert: 3 x 7168 x 2048 in fp8.
}

TEST(Weights, TiedMatricesAreStoredOnceOnALoneStage) {
  ModelSpec model = made::llama_2_70b();
  const double matrix = 32000.0 * 8192 * 2;
  const double untied = ledger_of(model, {}).embedding_weights.value();
  model.tied_embeddings = true;
  EXPECT_EQ(untied - ledger_of(model, {}).embedding_weights.value(), matrix);
  // Two stages need a copy each: the fuller (last) one holds it beside half the norms.
  ParallelPlan two;
  two.pp = 2;
  EXPECT_GE(ledger_of(model, two).embedding_weights.value(), matrix);
}

TEST(Weights, VocabularyIsPaddedTo64) {
  ModelSpec model = made::llama_2_70b();
  const double whole = ledger_of(model, {}).embedding_weights.value();
  model.vocab_size = 32001;
  EXPECT_EQ(ledger_of(model, {}).embedding_weights.value() - whole, 2 * 64 * 8192.0 * 2);
}

TEST(Weights, QuantisationLeavesVocabularyNormsAndGateAlone) {
  const ModelSpec model = made::mixtral_8x7b();
  const MemoryLedger wide = ledger_of(model, {});
  const MemoryLedger narrow = ledger_of(model, {}, fp8_weights());
  EXPECT_EQ(narrow.embedding_weights, wide.embedding_weights);
  EXPECT_EQ(narrow.gate_weights, wide.gate_weights);
  EXPECT_DOUBLE_EQ(narrow.routed_weights / wide.routed_weights, (1 + 4.0 / 16384) / 2);
  EXPECT_DOUBLE_EQ(narrow.attention_weights / wide.attention_weights, (1 + 4.0 / 16384) / 2);
}

TEST(Weights, FourBitExpertsArePaddedToTheirKernels) {
  const auto routed = [](std::int64_t width) {
    DtypePlan dtypes;
    dtypes.experts = FormatName::kFp4;
    const ModelSpec model = made::model(
        2880, 1024, 1,
        made::moe_layer(2880, made::grouped(2880, 64, 8, 64), made::experts(2880, 128, 4, width)));
    return ledger_of(model, {}, dtypes).routed_weights;
  };
  EXPECT_EQ(routed(2880), routed(3072));
  EXPECT_LT(routed(3072), routed(3073));
  EXPECT_EQ(routed(3072).value(), 128 * 3 * 2880.0 * 3072 * 4.25 / 8);
}

TEST(Weights, FirstStageHoldsTheEmbeddingAndLastTheHead) {
  ModelSpec model = made::llama_2_70b();
  ParallelPlan plan;
  plan.pp = 8;
  const MemoryLedger fullest = ledger_of(model, plan);
  EXPECT_EQ(fullest.dense_weights.value(), 10 * 3 * 8192.0 * 28672 * 2);
  EXPECT_EQ(fullest.embedding_weights.value(), (32000.0 * 8192 + (10 * 2 + 1) * 8192) * 2);
}

TEST(KvBytes, OfPublishedModels) {
  EXPECT_EQ(ledger_of(made::llama_2_70b(), {}).kv_bytes_per_token.value(), 327680);
  EXPECT_EQ(ledger_of(made::llama_2_70b(), tensor_parallel(8)).kv_bytes_per_token.value(), 40960);
  EXPECT_EQ(ledger_of(made::llama_2_70b(), tensor_parallel(64)).kv_bytes_per_token.value(), 40960);
  EXPECT_EQ(ledger_of(made::deepseek_v3(), {}).kv_bytes_per_token.value(), 70272);
  EXPECT_EQ(ledger_of(made::deepseek_v3(), tensor_parallel(8)).kv_bytes_per_token.value(), 70272);
}

TEST(KvBytes, AgreeWithTheModelOnOneCopy) {
  for (const ModelSpec& model : {made::tiny_moe(), made::mixtral_8x7b(), made::deepseek_v3()}) {
    EXPECT_EQ(ledger_of(model, {}).kv_bytes_per_token, kv_bytes_per_token(model, Dtype::kBf16));
  }
}

// 512 fp8 values, four fp32 scales, 64 rotary values in 16 bit; 128 fp8 indexer keys and a scale.
TEST(KvBytes, OfSparseLatentAttention) {
  const AttentionSpec a = made::sparse_latent();
  EXPECT_EQ(kv_layer_bytes(a, 8, Dtype::kFp8).value(), 656);
  EXPECT_EQ(kv_layer_bytes(a, 8, Dtype::kBf16).value(), 1152);
  EXPECT_EQ(index_key_bytes(a).value(), 132);
}

// A device on which exactly `tokens` tokens of cache remain.
MemoryLedger with_room_for(const ModelSpec& model, double tokens, EngineMemoryRules rules = {}) {
  rules.memory_utilization = 1;
  const MemoryLedger huge = memory_ledger(model, {}, {}, rules, device_of(1e13), {});
  const double pool = tokens * huge.kv_bytes_per_token.value();
  return memory_ledger(model, {}, {}, rules, device_of(huge.needed().value() + pool), {});
}

TEST(KvPool, OneTokenTooManyDoesNotFit) {
  const ModelSpec model = made::llama_2_70b();
  EXPECT_EQ(with_room_for(model, 1600).kv_capacity_tokens, 1600);
  EXPECT_EQ(with_room_for(model, 1599).kv_capacity_tokens, 1584);
  EXPECT_EQ(with_room_for(model, 1600).kv_blocks, 100);
  EXPECT_TRUE(with_room_for(model, 16).fits());
  EXPECT_FALSE(with_room_for(model, 15).fits());
}

TEST(KvPool, ShortfallIsWhatIsMissing) {
  const ModelSpec model = made::mixtral_8x7b();
  EngineMemoryRules rules;
  rules.memory_utilization = 1;
  const double needed = memory_ledger(model, {}, {}, rules, device_of(1e12), {}).needed().value();
  EXPECT_EQ(memory_ledger(model, {}, {}, rules, device_of(needed - 5), {}).shortfall.value(), 5);
  EXPECT_FALSE(memory_ledger(model, {}, {}, rules, device_of(needed - 5), {}).fits());
  EXPECT_EQ(memory_ledger(model, {}, {}, rules, device_of(needed), {}).shortfall.value(), 0);
  EXPECT_EQ(memory_ledger(model, {}, {}, rules, device_of(needed - 5), {}).kv_capacity_tokens, 0);
}

TEST(KvPool, BudgetIsSpentToTheLastByte) {
  const MemoryLedger ledger = ledger_of(made::mixtral_8x7b(), tensor_parallel(4));
  EXPECT_DOUBLE_EQ((ledger.needed() + ledger.kv_pool).value(), ledger.budget.value());
  EXPECT_DOUBLE_EQ(ledger.budget.value(), 0.9 * ledger.device_memory.value());
}

// One full layer and one with a window of 100, 4 sequences, 1 KiB per token and layer.
TEST(KvPool, WindowsFillUpAndThenCostNothing) {
  AttentionSpec full = made::grouped(512, 4, 4, 64);
  AttentionSpec local = full;
  local.window = 100;
  ModelSpec model = made::model(512, 1024, 2, made::dense_layer(512, full, 1024));
  model.layers[1].attention = local;
  EngineMemoryRules rules;
  rules.max_num_seqs = 4;
  rules.kv_block_tokens = 1;
  const auto tokens = [&](double kib) {
    return with_room_for(model, kib, rules).kv_capacity_tokens;
  };
  EXPECT_EQ(tokens(200), 100);  // Two layers each.
  EXPECT_EQ(tokens(800), 400);  // 4 x 100: the window layer is full.
  EXPECT_EQ(tokens(801), 401);  // From here on one layer each.
  EXPECT_EQ(tokens(1400), 1000);
}

TEST(KvPool, LinearStatesAreSetAside) {
  ModelSpec model = made::model(2048, 1024, 2, made::dense_layer(2048, made::delta_net(), 4096));
  model.layers[1].attention = made::grouped(2048, 16, 2, 256);
  EngineMemoryRules rules;
  rules.max_num_seqs = 10;
  const MemoryLedger ledger = memory_ledger(model, {}, {}, rules, device_gib(80), {});
  EXPECT_EQ(ledger.linear_states.value(), 10 * (32 * 128 * 128 * 4.0 + 8192 * 3 * 2.0));
  EXPECT_EQ(ledger.kv_bytes_per_token.value(), 2 * 2 * 256 * 2);
}

// Qwen3.5-27B: 48 layers with 48 x 128 x 128 fp32 and 10240 x 3 16-bit elements, 16 layers with 4
// KV heads of 256. A state of 3,207,168 B fits a page of 784 tokens of 4,096 B (vLLM 0.19.1 logs
// this number); layers form groups of 16, so that a sequence holds three blocks of states.
TEST(KvPool, StatesArePagesOfTheCache) {
  AttentionSpec linear = made::delta_net();
  linear.state_elements = 48 * 128 * 128;
  linear.conv_elements = 10240 * 3;
  ModelSpec model = made::model(5120, 1024, 64, made::dense_layer(5120, linear, 1024));
  for (std::size_t i = 3; i < 64; i += 4)
    model.layers[i].attention = made::grouped(5120, 24, 4, 256);
  EngineMemoryRules rules;
  rules.memory_utilization = 1;
  rules.states = StateRule::kPaged;
  rules.max_num_seqs = 1024;
  const double needed = memory_ledger(model, {}, {}, rules, device_of(1e13), {}).needed().value();
  const double block = 16 * 784 * 4096.0;
  const MemoryLedger ledger =
      memory_ledger(model, {}, {}, rules, device_of(needed + 939 * block), {});
  EXPECT_EQ(ledger.linear_states.value(), 0);
  EXPECT_EQ(ledger.block.tokens, 784);
  EXPECT_EQ(ledger.block.states, 3);
  EXPECT_EQ(ledger.kv_blocks, 939);
  EXPECT_EQ(ledger.max_num_seqs, 939);
  // One sequence of 32,768 tokens holds 42 + 3 blocks.
  EXPECT_EQ(ledger.kv_capacity_tokens, 939 * 32768 / 45);
  EXPECT_FALSE(memory_ledger(model, {}, {}, rules, device_of(needed + 3.9 * block), {}).fits());
}

TEST(KvPool, AShareForStatesBoundsTheSequences) {
  ModelSpec model = made::model(2048, 1024, 2, made::dense_layer(2048, made::delta_net(), 4096));
  model.layers[1].attention = made::grouped(2048, 16, 2, 256);
  EngineMemoryRules rules;
  rules.memory_utilization = 1;
  rules.states = StateRule::kShare;
  rules.state_share = 0.5;
  rules.state_copies = 3;
  const double state = 32 * 128 * 128 * 4.0 + 8192 * 3 * 2.0;
  const double needed = memory_ledger(model, {}, {}, rules, device_of(1e9), {}).needed().value();
  const MemoryLedger ledger =
      memory_ledger(model, {}, {}, rules, device_of(needed + 2 * 30.5 * state), {});
  EXPECT_EQ(ledger.max_num_seqs, 10);
  EXPECT_NEAR(ledger.kv_pool.value(), 30.5 * state, 1);
}

TEST(KvPool, AModelWithoutGrowingCacheIsBoundByItsContext) {
  const ModelSpec model =
      made::model(2048, 1024, 2, made::dense_layer(2048, made::delta_net(), 4096));
  const MemoryLedger ledger = memory_ledger(model, {}, {}, {}, device_gib(80), {});
  EXPECT_EQ(ledger.kv_capacity_tokens, 256 * 32768);
}

// Logits, sorted copy, indices, softmax, sum: 41 bytes per sequence and vocabulary entry.
TEST(Activations, SamplerOfALargeVocabulary) {
  ModelSpec model = made::llama_2_70b();
  model.vocab_size = 128256;
  EngineMemoryRules rules;
  rules.max_batched_tokens = 256;
  const auto peak = [&](std::int64_t seqs, std::int64_t tp) {
    rules.max_num_seqs = seqs;
    return memory_ledger(model, tensor_parallel(tp), {}, rules, device_gib(80), {})
        .activations.value();
  };
  EXPECT_EQ(peak(256, 1), 41.0 * 256 * 128256);
  EXPECT_EQ(peak(256, 8), peak(256, 1));
  EXPECT_EQ(peak(1024, 1), 4 * peak(256, 1));
}

TEST(Activations, FeedForwardOfALongPrompt) {
  EngineMemoryRules rules;
  rules.max_num_seqs = 1;
  rules.max_batched_tokens = 8192;
  const MemoryLedger ledger =
      memory_ledger(made::mixtral_8x7b(), {}, {}, rules, device_gib(141), {});
  EXPECT_EQ(ledger.activations.value(), 8192.0 * (2 * (3 * 2 * 14336 + 2 * 4096) + 6 * 4096));
}

TEST(Communication, DispatchBuffersGrowWithTokensAndFormat) {
  const ModelSpec model = made::deepseek_v3();
  DtypePlan dtypes = fp8_weights();
  const auto buffers = [&](std::int64_t tokens) {
    EngineMemoryRules rules;
    rules.max_batched_tokens = tokens;
    return memory_ledger(in_formats(model, dtypes), expert_parallel(32), dtypes, rules,
                         device_gib(80), {})
        .communication.value();
  };
  EXPECT_EQ(buffers(1), 2 * 8 * 2 * 7168);  // Twice the mean, 8 experts, copy and sorted row.
  EXPECT_EQ(buffers(100), 100 * buffers(1));
  dtypes.dispatch = Dtype::kBf16;
  EXPECT_EQ(buffers(1), 2 * 8 * 2 * 7168 * 2);
  EXPECT_EQ(ledger_of(model, tensor_parallel(8)).communication.value(), 0);
}

TEST(Runtime, SeveralRanksNeedCommunicators) {
  EXPECT_EQ(ledger_of(made::llama_2_70b(), {}).runtime.value(), 0.6e9);
  EXPECT_EQ(ledger_of(made::llama_2_70b(), tensor_parallel(2)).runtime.value(), 2.1e9);
}

TEST(PoolRules, StaticFractionLeavesTheRestToBuffers) {
  EngineMemoryRules rules;
  rules.pool = PoolRule::kStaticFraction;
  rules.memory_utilization = 0.9;
  const ModelSpec model = made::mixtral_8x7b();
  const MemoryLedger ledger = memory_ledger(model, {}, {}, rules, device_of(200.6e9), {});
  EXPECT_DOUBLE_EQ(ledger.kv_pool.value(), 180e9 - ledger.weights().value());
  // Buffers of 1.7 GB find room in a tenth of 200 GB, not in a two-hundredth.
  EXPECT_TRUE(ledger.fits());
  rules.memory_utilization = 0.995;
  EXPECT_FALSE(memory_ledger(model, {}, {}, rules, device_of(200.6e9), {}).fits());
}

TEST(PoolRules, FreeFractionSharesWhatIsLeft) {
  EngineMemoryRules rules;
  rules.pool = PoolRule::kFreeFraction;
  const MemoryLedger ledger =
      memory_ledger(made::mixtral_8x7b(), {}, {}, rules, device_of(200e9), {});
  EXPECT_DOUBLE_EQ(ledger.kv_pool.value(), 0.9 * (200e9 - ledger.needed().value()));
}

// llama.cpp: 16.1 GB of weights on 80 GB leave room for more than one context of 131,072 tokens.
MemoryLedger one_context(std::int64_t tokens, double gib = 79.2) {
  EngineMemoryRules rules;
  rules.pool = PoolRule::kContext;
  rules.kv_block_tokens = 1;
  rules.max_num_seqs = 4;
  rules.context_tokens = tokens;
  return memory_ledger(load_model("llama-3.1-8b"), tensor_parallel(1), {}, rules, device_gib(gib),
                       {});
}

TEST(KvCapacity, IsOneContextForAllSlotsWhereTheEngineHoldsOne) {
  EXPECT_EQ(one_context(0).kv_capacity_tokens, 131'072);
  EXPECT_EQ(one_context(40'000).kv_capacity_tokens, 40'000);
  EXPECT_NEAR(one_context(40'000).kv_pool.value(), 40'000 * 131'072.0, 1);  // 128 kiB a token.
}

TEST(KvCapacity, AContextIsShortenedUnlessItIsAskedFor) {
  const MemoryLedger shortened = one_context(0, 24);
  EXPECT_TRUE(shortened.fits());
  EXPECT_LT(shortened.kv_capacity_tokens, 131'072);
  const MemoryLedger asked = one_context(131'072, 24);
  EXPECT_FALSE(asked.fits());
  EXPECT_NEAR(asked.shortfall.value() / 131'072,
              131'072.0 - static_cast<double>(shortened.kv_capacity_tokens), 1);
}

}  // namespace
}  // namespace moesim
