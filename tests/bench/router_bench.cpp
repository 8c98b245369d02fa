// Speed of the router: selection against partial sorts, the kernel against the gate product alone
// (both as ratios measured by turns in the same run), whole banks, and draws of a step.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "models/router/draw/routing_sampler.h"
#include "models/router/kernel/router_kernel.h"
#include "models/router/make/make_bank.h"

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

std::vector<float> random_floats(std::size_t count, std::string_view name = "bench",
                                 double size = 3) {
  RandomStream random(1, name);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(size * (2 * random.uniform() - 1));
  return values;
}

// DeepSeek-V3's scheme at another number of experts: top-8 in 4 of 8 groups, or a quarter of fewer
// than 32 experts in half of as many groups.
MoeSpec deepseek_moe(std::int64_t experts) {
  MoeSpec moe = deepseek_moe();
  moe.num_experts = experts;
  moe.top_k = std::min<std::int64_t>(8, experts / 4);
  moe.router.num_groups = moe.top_k;
  moe.router.top_groups = moe.router.num_groups / 2;
  return moe;
}

// The straightforward router: std::exp, a partial sort per group, one over the groups and one over
// the experts. Its buffers live as long as it does.
class PartialSortRouter {
 public:
  PartialSortRouter(const MoeSpec& moe, const std::vector<float>& correction)
      : moe_(moe),
        correction_(correction),
        scores_(correction.size()),
        keys_(correction.size()),
        order_(correction.size()),
        group_(correction.size() / static_cast<std::size_t>(moe.router.num_groups)),
        group_scores_(static_cast<std::size_t>(moe.router.num_groups)),
        group_order_(group_scores_.size()) {}

  void route(const float* logits, std::uint16_t* ids, float* weights) {
    for (std::size_t e = 0; e < scores_.size(); ++e) {
      scores_[e] = 1.0F / (1.0F + std::exp(-logits[e]));
      keys_[e] = scores_[e] + correction_[e];
    }
    mask_groups();
    sort_front(keys_, moe_.top_k, order_);
    float sum = 1e-20F;
    for (std::int64_t j = 0; j < moe_.top_k; ++j) {
      ids[j] = order_[static_cast<std::size_t>(j)];
      weights[j] = scores_[ids[j]];
      sum += weights[j];
    }
    const float factor = static_cast<float>(moe_.router.scaling) / sum;
    for (std::int64_t j = 0; j < moe_.top_k; ++j) weights[j] *= factor;
  }

 private:
  static void sort_front(const std::vector<float>& keys, std::int64_t count,
                         std::vector<std::uint16_t>& order) {
    std::iota(order.begin(), order.end(), std::uint16_t{0});
    std::partial_sort(order.begin(), order.begin() + count, order.end(),
                      [&](std::uint16_t a, std::uint16_t b) {
                        return keys[a] > keys[b] || (keys[a] == keys[b] && a < b);
                      });
  }

  void mask_groups() {
    const auto size = static_cast<std::ptrdiff_t>(group_.size());
    for (std::size_t g = 0; g < group_scores_.size(); ++g) {
      const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(g) * size;
      std::copy(begin, begin + size, group_.begin());
      std::partial_sort(group_.begin(), group_.begin() + 2, group_.end(), std::greater<>());
      group_scores_[g] = group_[0] + group_[1];
    }
    sort_front(group_scores_, moe_.router.top_groups, group_order_);
    const auto kept = static_cast<std::size_t>(moe_.router.top_groups);
    for (std::size_t i = kept; i < group_order_.size(); ++i) {
      const auto begin = keys_.begin() + group_order_[i] * size;
      std::fill(begin, begin + size, -std::numeric_limits<float>::infinity());
    }
  }

  const MoeSpec& moe_;
  const std::vector<float>& correction_;
  std::vector<float> scores_;
  std::vector<float> keys_;
  std::vector<std::uint16_t> order_;
  std::vector<float> group_;
  std::vector<float> group_scores_;
  std::vector<std::uint16_t> group_order_;
};

// Of this thread's processor time, because a busy machine lets it wait.
double seconds(const auto& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  const double start = now();
  work();
  return now() - start;
}

// Two pieces of work that take turns. Whatever else the machine does only adds time, so the fastest
// turns are compared.
struct Turns {
  double reference = std::numeric_limits<double>::infinity();
  double ours = std::numeric_limits<double>::infinity();

  void take(const auto& reference_work, const auto& our_work) {
    reference = std::min(reference, seconds(reference_work));
    ours = std::min(ours, seconds(our_work));
  }
  double ratio() const { return reference / ours; }
};

// Selection and weights from logits: `times_reference` = time of PartialSortRouter / ours.
void Selection(benchmark::State& state) {
  constexpr std::int64_t kTokens = 4096;  // Too many for a branch predictor to learn.
  const MoeSpec moe = deepseek_moe(state.range(0));
  const std::vector<float> logits =
      random_floats(static_cast<std::size_t>(kTokens * moe.num_experts));
  const std::vector<float> correction =
      random_floats(static_cast<std::size_t>(moe.num_experts), "correction", 0.1);
  const auto size = static_cast<std::size_t>(kTokens * moe.top_k);
  std::vector<std::uint16_t> ids(size);
  std::vector<std::uint16_t> reference_ids(size);
  std::vector<float> weights(size);
  PartialSortRouter reference(moe, correction);
  Turns turns;
  for (auto _ : state) {
    turns.take(
        [&] {
          for (std::int64_t t = 0; t < kTokens; ++t) {
            reference.route(logits.data() + t * moe.num_experts,
                            reference_ids.data() + t * moe.top_k, weights.data() + t * moe.top_k);
          }
        },
        [&] {
          route_logits(moe, logits, correction, {ids, weights});
        });
    state.SetIterationTime(turns.ours);
  }
  if (ids != reference_ids) state.SkipWithError("the reference chooses other experts");
  state.counters["times_reference"] = turns.ratio();
  state.counters["ns_per_token"] = 1e9 * turns.ours / kTokens;
}

// The whole kernel from hidden states of DeepSeek-V3's width, on one thread: `share_of_sgemm` =
// time of the gate product alone / ours.
void GateKernel(benchmark::State& state) {
  constexpr std::int64_t kTokens = 4096;
  constexpr std::int64_t kHidden = 7168;
  const MoeSpec moe = deepseek_moe(state.range(0));
  const std::int64_t experts = moe.num_experts;
  const std::vector<float> gate = random_floats(static_cast<std::size_t>(experts * kHidden));
  const std::vector<float> hidden = random_floats(static_cast<std::size_t>(kTokens * kHidden));
  const std::vector<float> correction(static_cast<std::size_t>(experts), 0.0F);
  std::vector<float> logits(static_cast<std::size_t>(kTokens * experts));
  std::vector<std::uint16_t> ids(static_cast<std::size_t>(kTokens * moe.top_k));
  std::vector<float> weights(ids.size());
  const GateView view{{gate.data(), experts, kHidden, kHidden}, {}, correction};
  const MatrixView states{hidden.data(), kTokens, kHidden, kHidden};
  Turns turns;
  for (auto _ : state) {
    turns.take([&] { multiply_by_transpose(states, view.weight, logits.data()); },
               [&] {
                 route_hidden(moe, view, states, {ids, weights});
               });
    state.SetIterationTime(turns.ours);
  }
  const double flops = 2.0 * kTokens * static_cast<double>(experts) * kHidden;
  state.counters["share_of_sgemm"] = turns.ratio();
  state.counters["sgemm_FLOP/s"] = flops / turns.reference;
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

BENCHMARK(Selection)
    ->Arg(8)
    ->Arg(64)
    ->Arg(128)
    ->Arg(256)
    ->Arg(512)
    ->UseManualTime()
    ->Iterations(40)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(GateKernel)
    ->Arg(8)
    ->Arg(64)
    ->Arg(128)
    ->Arg(256)
    ->Arg(512)
    ->UseManualTime()
    ->Iterations(7)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(BankMixtral)->Arg(1)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(BankDeepseek)->Arg(1)->Arg(2)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(StepDeepseekNormal)->Args({32, 0})->Args({31, 0})->Args({0, 4096});
BENCHMARK(StepDeepseekLowLatency)->Args({32, 0})->Args({31, 0})->Args({128, 0});
BENCHMARK(StepMixtralOneGroup)->Args({12, 0})->Args({256, 0});

}  // namespace
}  // namespace moesim

BENCHMARK_MAIN();
