// Speed of the network: one all-to-all by method and size, a decode step of DeepSeek-V3 on 64
// devices with fresh routing in every layer, and events of the engine.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "sim/events/engine.h"
#include "sim/step/step_model.h"
#include "tests/sim/made_steps.h"

namespace moesim {
namespace {

// Every rank sends as much to every other one.
PortLoads even_loads(std::size_t ranks, double bytes) {
  PortLoads loads;
  for (auto* ports :
       {&loads.scale_up_out, &loads.scale_up_in, &loads.scale_out_out, &loads.scale_out_in}) {
    ports->assign(ranks, bytes);
  }
  return loads;
}

void AllToAll(benchmark::State& state) {
  const Deployment deployment = made::expert_parallel(state.range(1), 8);
  const Stage stage = make_stage(deployment, 0, 0);
  const PortLoads loads =
      even_loads(static_cast<std::size_t>(state.range(1)), static_cast<double>(state.range(2)));
  const auto kernel = static_cast<AllToAllKernel>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(all_to_all(stage.collectives.all_ranks(), loads, kernel));
  }
}

ModelSpec deepseek_like() {
  return made::model(
      7168, 129280, 61,
      made::moe_layer(7168, made::grouped(7168, 128, 8, 128), made::experts(7168, 256, 8, 2048)));
}

// Steps of `range(0)` sequences a rank; 10,000 of them should take less than 5 s.
void DecodeStep(benchmark::State& state, DispatchPolicy dispatch) {
  Deployment deployment = made::expert_parallel(64, 8);
  deployment.model = deepseek_like();
  deployment.dispatch = dispatch;
  const RoutingBank bank = make_routing_bank(deployment.model, deployment.tokens, 1);
  StepModel model(deployment, &bank);
  Stage stage = make_stage(deployment, 0, 0);
  const std::vector<RankStep> ranks(64, made::decodes(state.range(0), 1000));
  StageCost cost;
  for (auto _ : state) {
    model.run(stage, ranks, cost);
    benchmark::DoNotOptimize(cost.time);
  }
}
void DecodeStepNormal(benchmark::State& state) {
  DecodeStep(state, DispatchPolicy::kNormal);
}
void DecodeStepLowLatency(benchmark::State& state) {
  DecodeStep(state, DispatchPolicy::kLowLatency);
}

// A process can run one engine: each iteration forks. `events_per_s` counts timers.
void EngineTimers(benchmark::State& state) {
  constexpr int kEvents = 1'000'000;
  for (auto _ : state) {
    const pid_t child = fork();
    if (child == 0) {
      const Topology topology(made::cluster(made::device(), 8));
      Engine engine(topology);
      int left = kEvents;
      std::function<void()> next = [&] {
        if (--left > 0) engine.after(Seconds(1e-6), next);
      };
      engine.after(Seconds(1e-6), next);
      engine.run();
      _exit(left);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0) state.SkipWithError("the child failed");
  }
  state.counters["events_per_s"] =
      benchmark::Counter(static_cast<double>(kEvents) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

BENCHMARK(AllToAll)->ArgsProduct({{0, 1, 2, 3}, {8, 64, 512, 4096}, {1 << 16, 1 << 26}});
BENCHMARK(DecodeStepNormal)->Arg(32)->Arg(31)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(DecodeStepLowLatency)->Arg(32)->Arg(31)->Arg(128)->Unit(benchmark::kMicrosecond);
BENCHMARK(EngineTimers)->UseRealTime()->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
}  // namespace moesim

BENCHMARK_MAIN();
