// Speed of the router: selection against a partial sort, the kernel against the gate product alone,
// whole banks, and draws of a step.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "models/router/bank/routing_sampler.h"
#include "models/router/kernel/router_kernel.h"

namespace moesim {
namespace {

MoeSpec mixtral_moe() {
  MoeSpec moe;
  moe.num_experts = 8;
  moe.top_k = 2;
  moe.router.order = SelectionOrder::kTopKThenScore;
  return moe;
}

MoeSpec deepseek_moe() {
  MoeSpec moe;
  moe.num_experts = 256;
  moe.top_k = 8;
  moe.router.score = ScoreFunction::kSigmoid;
  moe.router.correction_bias = true;
  moe.router.renormalise = true;
  moe.router.num_groups = 8;
  moe.router.top_groups = 4;
  moe.router.scaling = 2.5;
  return moe;
}

ModelSpec model_of(const MoeSpec& moe, const std::string& architecture, std::int64_t hidden,
                   std::int64_t layers) {
  ModelSpec model;
  model.name = architecture;
  model.architecture = architecture;
  model.hidden_size = hidden;
  model.layers.resize(static_cast<std::size_t>(layers));
  for (LayerSpec& layer : model.layers) layer.moe = moe;
  return model;
}

ModelSpec mixtral() {
  return model_of(mixtral_moe(), "MixtralForCausalLM", 4096, 32);
}
ModelSpec deepseek() {
  return model_of(deepseek_moe(), "DeepseekV3ForCausalLM", 7168, 58);
}

std::vector<float> random_floats(std::size_t count) {
  RandomStream random(1, "bench");
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(2 * random.uniform() - 1);
  return values;
}

constexpr std::int64_t kTokens = 256;

void route_logits_of(benchmark::State& state, const MoeSpec& moe) {
  const std::vector<float> logits =
      random_floats(static_cast<std::size_t>(kTokens * moe.num_experts));
  const std::vector<float> correction(static_cast<std::size_t>(moe.num_experts), 0.0F);
  std::vector<std::uint16_t> ids(static_cast<std::size_t>(kTokens * moe.top_k));
  for (auto _ : state) {
    route_logits(
        moe, logits,
        moe.router.correction_bias ? std::span<const float>(correction) : std::span<const float>(),
        {ids, {}});
    benchmark::DoNotOptimize(ids.data());
  }
  state.SetItemsProcessed(state.iterations() * kTokens);
}
void RouteLogitsMixtral(benchmark::State& state) {
  route_logits_of(state, mixtral_moe());
}
void RouteLogitsDeepseek(benchmark::State& state) {
  route_logits_of(state, deepseek_moe());
}

// The reference that KeySelection replaces: top-8 of 256 without groups.
void PartialSortReference(benchmark::State& state) {
  const std::vector<float> logits = random_floats(kTokens * 256);
  std::vector<std::uint16_t> order(256);
  for (auto _ : state) {
    for (std::int64_t t = 0; t < kTokens; ++t) {
      const float* row = logits.data() + t * 256;
      std::iota(order.begin(), order.end(), std::uint16_t{0});
      std::partial_sort(order.begin(), order.begin() + 8, order.end(),
                        [&](std::uint16_t a, std::uint16_t b) {
                          return row[a] > row[b] || (row[a] == row[b] && a < b);
                        });
      benchmark::DoNotOptimize(order.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * kTokens);
}

// Product alone (select = 0) and the whole kernel (select = 1) of one DeepSeek-V3 layer.
void RouterKernel(benchmark::State& state) {
  const MoeSpec moe = deepseek_moe();
  const std::vector<float> gate = random_floats(256 * 7168);
  const std::vector<float> hidden = random_floats(kTokens * 7168);
  const std::vector<float> correction(256, 0.0F);
  std::vector<float> logits(kTokens * 256);
  std::vector<std::uint16_t> ids(kTokens * 8);
  const GateView view{{gate.data(), 256, 7168, 7168}, {}, correction};
  const MatrixView states{hidden.data(), kTokens, 7168, 7168};
  for (auto _ : state) {
    if (state.range(0) == 0) {
      multiply_by_transpose(states, view.weight, logits.data());
      benchmark::DoNotOptimize(logits.data());
    } else {
      route_hidden(moe, view, states, {ids, {}});
      benchmark::DoNotOptimize(ids.data());
    }
  }
  state.counters["FLOP/s"] =
      benchmark::Counter(2.0 * kTokens * 256 * 7168 * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

void bank_of(benchmark::State& state, const ModelSpec& model) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(make_routing_bank(model, {}, 7, state.range(0)).ids.data());
  }
}
void BankMixtral(benchmark::State& state) {
  bank_of(state, mixtral());
}
void BankDeepseek(benchmark::State& state) {
  bank_of(state, deepseek());
}

void draw_step(benchmark::State& state, const ModelSpec& model, const DispatchGeometry& geometry,
               std::int64_t groups) {
  TokenSource source;
  source.policy = TokenPolicy::kUniform;
  const RoutingBank bank = make_routing_bank(model, source, 7);
  LayerPlacement placement;
  placement.groups = groups;
  for (std::int32_t e = 0; e < bank.num_experts; ++e) {
    placement.expert_of_slot.push_back(e);
    placement.slots_of_expert.push_back({e});
  }
  const auto layers = static_cast<std::size_t>(bank.num_layers);
  const RoutingSampler sampler(bank, std::vector<LayerPlacement>(layers, placement), geometry);
  const std::vector<SourceTokens> sources(
      static_cast<std::size_t>(geometry.tokens_travel ? geometry.ranks : 1),
      {state.range(0), state.range(1)});
  RandomStream random(1, "bench");
  LayerLoad load;
  for (auto _ : state) {
    for (std::int64_t layer = 0; layer < bank.num_layers; ++layer) {
      sampler.draw(layer, sources, random, load);
      benchmark::DoNotOptimize(load.pairs.data());
    }
  }
}
void StepDeepseekNormal(benchmark::State& state) {
  draw_step(state, deepseek(), {64, 8, true, DispatchMode::kNormal}, 64);
}
void StepDeepseekLowLatency(benchmark::State& state) {
  draw_step(state, deepseek(), {64, 8, true, DispatchMode::kLowLatency}, 64);
}
void StepMixtralOneGroup(benchmark::State& state) {
  draw_step(state, mixtral(), {8, 8, false, DispatchMode::kNormal}, 1);
}

BENCHMARK(RouteLogitsMixtral);
BENCHMARK(RouteLogitsDeepseek);
BENCHMARK(PartialSortReference);
BENCHMARK(RouterKernel)->Arg(0)->Arg(1);
BENCHMARK(BankMixtral)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(BankDeepseek)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(StepDeepseekNormal)->Args({32, 0})->Args({31, 0})->Args({0, 4096});
BENCHMARK(StepDeepseekLowLatency)->Args({32, 0});
BENCHMARK(StepMixtralOneGroup)->Args({12, 0})->Args({256, 0});

}  // namespace
}  // namespace moesim

BENCHMARK_MAIN();
