#include "sim/deployment.h"

#include <array>
#include <stdexcept>

namespace moesim {

namespace {

using namespace literals;

// Host and sampler time per running sequence: 10 to 20 us remove the bias at 64 and more users from
// 296 closed-loop runs of the development measurements (TPOT error 10.8 % without, 10.0 % with it);
// one vLLM release measured for energy needs 55 to 67 us (physics-energy-memory-training.md 2.3).
// A fixed time per step buys nothing beside the cost per kernel, so there is none.
constexpr Seconds kSequenceOverhead = 15.0_us;

// Kernel-to-kernel cost inside a CUDA graph by engine: 4.0, 4.5 and 2.6 us on Hopper; the device
// family's launch cost is that of the leanest. TTFT constant: HTTP, tokenizer, scheduler,
// streaming. Both: ../shared/research/physics-serving.md sections 5 and 6, calibrated on
// closed-loop runs.
struct EngineFacts {
  const char* name;
  BatchPolicy batch;
  double launch_factor;
  Seconds request_overhead;
  PoolRule pool;
};
constexpr std::array kEngines = {
    EngineFacts{"vllm", BatchPolicy::kMixed, 4.0 / 2.6, 17.0_ms, PoolRule::kUtilization},
    EngineFacts{"sglang", BatchPolicy::kPrefillFirst, 4.5 / 2.6, 134.0_ms,
                PoolRule::kStaticFraction},
    EngineFacts{"tensorrt-llm", BatchPolicy::kMixed, 1.0, 55.0_ms, PoolRule::kFreeFraction},
};

}  // namespace

std::string serving_fault(const MoeSpec& moe) {
  if (moe.router.rule == SelectionRule::kExpertChoice) {
    return "experts that choose their tokens (expert choice) need the whole batch, later tokens "
           "of a sequence included; a decode step has only the next one";
  }
  return {};
}

ServingPolicy serving_policy(const std::string& engine) {
  for (const EngineFacts& facts : kEngines) {
    if (engine != facts.name) continue;
    ServingPolicy policy;
    policy.engine = facts.name;
    policy.batch = facts.batch;
    policy.launch_factor = facts.launch_factor;
    policy.sequence_overhead = kSequenceOverhead;
    policy.request_overhead = facts.request_overhead;
    policy.memory.pool = facts.pool;
    return policy;
  }
  throw std::invalid_argument("unknown serving engine \"" + engine +
                              "\"; allowed: vllm, sglang, tensorrt-llm");
}

}  // namespace moesim
