// Set-up of a cluster, from its specification to an engine that can take flows: time, memory and
// what is stored, at 8 to 65,536 devices on each family of fabrics. Figures: README.md beside this.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>

#include "hardware/network/topology.h"
#include "hardware/read/profiles.h"
#include "sim/events/engine.h"

namespace moesim {
namespace {

struct Setup {
  const char* node;
  const char* fabric;
};
constexpr std::array<Setup, 5> kSetups = {{{"dgx-h100", "rail-fat-tree"},
                                           {"dgx-h100", "roce-fat-tree-7to1"},
                                           {"dgx-h100", "slingshot-400-dragonfly"},
                                           {"mi300x-8x", "fat-tree"},
                                           {"tpu-v5p-1x", "torus-3d"}}};

// Of one set-up, in a process of its own: one process can have one Engine.
struct Measured {
  double topology_s = 0;
  double engine_s = 0;
  double memory_bytes = 0;  // Added to the process at its largest.
  double ports = 0;
};

double peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024;
}

Measured measure(const ClusterSpec& cluster) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration time) {
    return std::chrono::duration<double>(time).count();
  };
  const double before = peak_bytes();
  const auto start = Clock::now();
  const Topology topology(cluster);
  const auto built = Clock::now();
  const Engine engine(topology);
  const auto ready = Clock::now();
  return {seconds(built - start), seconds(ready - built), peak_bytes() - before,
          static_cast<double>(topology.ports().size())};
}

Measured measure_in_child(const ClusterSpec& cluster) {
  int ends[2];
  Measured measured;
  if (pipe(ends) != 0) return measured;
  const pid_t child = fork();
  if (child == 0) {
    const Measured own = measure(cluster);
    const bool written = write(ends[1], &own, sizeof own) == sizeof own;
    _exit(written ? 0 : 1);
  }
  close(ends[1]);
  if (read(ends[0], &measured, sizeof measured) != sizeof measured) measured = {};
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return measured;
}

void set_up(benchmark::State& state) {
  const Setup& setup = kSetups[static_cast<std::size_t>(state.range(0))];
  ClusterSpec cluster{load_node(setup.node), 1, load_fabric(setup.fabric)};
  cluster.nodes = state.range(1) / cluster.node.devices;
  Measured measured;
  for (auto _ : state) {
    measured = measure_in_child(cluster);
    state.SetIterationTime(measured.topology_s + measured.engine_s);
  }
  state.SetLabel(std::string(setup.node) + " on " + setup.fabric);
  state.counters["engine_s"] = measured.engine_s;
  state.counters["memory_MB"] = measured.memory_bytes / 1e6;
  state.counters["ports_per_gpu"] = measured.ports / static_cast<double>(state.range(1));
}
BENCHMARK(set_up)
    ->ArgsProduct({benchmark::CreateDenseRange(0, kSetups.size() - 1, 1),
                   {8, 64, 512, 4096, 16384, 65536}})
    ->ArgNames({"fabric", "gpus"})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

// One route on the largest cluster: by rule, so that its cost does not grow with the cluster.
void route(benchmark::State& state) {
  const Setup& setup = kSetups[static_cast<std::size_t>(state.range(0))];
  ClusterSpec cluster{load_node(setup.node), 1, load_fabric(setup.fabric)};
  cluster.nodes = 65536 / cluster.node.devices;
  const Topology topology(cluster);
  std::int64_t from = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(topology.route(from, 65535 - from));
    from = (from + 127) % 65536;
  }
  state.SetLabel(std::string(setup.node) + " on " + setup.fabric);
}
BENCHMARK(route)->DenseRange(0, kSetups.size() - 1)->ArgName("fabric");

}  // namespace
}  // namespace moesim

BENCHMARK_MAIN();
