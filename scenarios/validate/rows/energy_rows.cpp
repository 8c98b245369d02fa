#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hardware/kernels/kernel.h"
#include "scenarios/validate/rows/conditions.h"
#include "scenarios/validate/rows/topics.h"

namespace moesim {
namespace {

// Rounds of a steady closed loop. Two are enough, because no row here is a TTFT.
constexpr std::int64_t kSteadyRounds = 2;
constexpr double kMostTokens = 1e9;  // Output of one simulation.

// Prompt lengths of the ML.ENERGY request sets, which are not published. The ratio of mean step
// time to median inter-token time bounds them: 100 to 150 tokens for chat, 250 to 1000 for GPQA,
// 1000 to 3000 for code infilling. Source: docs/physics.md, "Measured rows".
struct TaskPrompt {
  const char* task;
  std::int64_t tokens;
};
constexpr TaskPrompt kPrompts[] = {
    {"lm-arena-chat", 150}, {"gpqa", 250}, {"sourcegraph-fim", 1000}};

// Date of rows without a release: ML.ENERGY's third leaderboard and MLPerf Inference
// 5.1 of 2025; Splitwise (ISCA 2024) ran the vLLM of 2023.
constexpr const char* kEnergyMonth = "2025-10";
constexpr const char* kSplitwiseEngine = "vllm 2023-11";

// ML.ENERGY starts vLLM with its default flags, where tuned runs of the same months keep whole
// decode steps in one CUDA graph: launch cost over that of tuned runs. On Blackwell the releases of
// 2025 left attention out of the graphs. Calibrated on these rows: time of a step 13 % off on B200
// with 2.4, 19 % with 1; 5.3 and 6 % on H100. Range 1 to 1.4 and 1.8 to 2.6.
constexpr double kDefaultFlagsLaunch = 1.2;
constexpr double kDefaultFlagsLaunchBlackwell = 2.4;

// Requests of Splitwise with more than 256 output tokens ended early: request time over inter-token
// time corresponds to 130 to 250 tokens.
constexpr std::int64_t kSplitwiseMostOutput = 256;

// Memory utilization of a batch that is timed outside a server.
constexpr double kStaticMemory = 0.98;

// A figure of a wide row, computed from a simulation.
struct WideFigure {
  const char* column;
  const char* unit;
  double (*of)(const SimulationResult&);
};
constexpr WideFigure kWide[] = {
    {"joules_per_output_token", "J",
     [](const SimulationResult& r) { return r.device_joules / r.output_tokens; }},
    {"joules_per_request", "J",
     [](const SimulationResult& r) { return r.device_joules / r.requests; }},
    {"average_power_w", "W",
     [](const SimulationResult& r) { return r.device_joules / r.horizon_s; }},
    {"output_tokens_per_s", "tokens/s",
     [](const SimulationResult& r) { return r.output_tokens / r.horizon_s; }},
    // Most inter-token intervals contain no prompt, like those of the fastest request.
    {"median_itl_s", "s", [](const SimulationResult& r) { return r.fastest_tpot_s; }}};

struct EnergyRow {
  const TruthTable& table;
  const TruthRow& row;
  const Library& library;
  ValidationPlan& plan;

  Measurement& figure(const char* column, const char* unit) const {
    Measurement& m = plan.add(table, row);
    if (const ModelSpec* model = library.model(m.model)) m.is_moe = model->is_moe();
    if (column != nullptr) {
      m.metric = column;
      m.unit = unit;
      m.value = row.number(column).value_or(0);
    }
    return m;
  }

  // The label tp 1, ep n of expert-parallel rows means experts over n ranks and attention over as
  // many, unless data parallelism is named.
  ParallelPlan layout(const ModelSpec& model) const {
    const std::int64_t devices = stated(row, "n_gpus");
    const std::int64_t ep = row.has("ep") ? stated(row, "ep") : 1;
    ParallelPlan widths;
    widths.attention_dp = row.has("dp") ? stated(row, "dp") : 1;
    widths.tp =
        ep > 1 ? std::max<std::int64_t>(1, devices / widths.attention_dp) : stated(row, "tp");
    if (model.is_moe()) {
      widths.ep = ep;
      widths.moe_tp = std::max<std::int64_t>(1, widths.stage_ranks() / ep);
    }
    widths.replicas = std::max<std::int64_t>(1, devices / widths.replica_ranks());
    return widths;
  }

  Simulation conditions() const {
    const ModelSpec& model = stated_model(row, library);
    Simulation s;
    s.model = row.text("model");
    s.hardware = row.text("hardware");
    stated_hardware(row, library);
    s.devices = stated(row, "n_gpus");
    s.plan = layout(model);
    s.dtypes = stated_dtypes(row.text("dtype"), "", model);
    s.power_limit_w = stated_power_limit(row);
    s.output_tokens = std::max<std::int64_t>(2, stated(row, "osl"));
    if (const std::string why = layout_fault(s, library); !why.empty()) throw Skipped{why};
    return s;
  }

  std::int64_t prompt_tokens() const {
    if (row.has("isl")) return stated(row, "isl");
    for (const TaskPrompt& prompt : kPrompts) {
      if (row.text("task") != prompt.task) continue;
      plan.read_as(fmt::format("isl not published: {} tokens for {}", prompt.tokens, prompt.task));
      return prompt.tokens;
    }
    throw Skipped{"isl not stated"};
  }

  // ML.ENERGY uses the sampling that the checkpoint asks for: plain random sampling for those of
  // OpenAI, top-p for all others.
  Sampling checkpoint_sampling() const {
    return row.text("checkpoint").starts_with("openai/") ? Sampling::kRandom : Sampling::kTopP;
  }

  Simulation steady() const {
    Simulation s = conditions();
    s.sampling = checkpoint_sampling();
    const bool blackwell = stated_hardware(row, library).family.name == "blackwell";
    s.launch_scale = blackwell ? kDefaultFlagsLaunchBlackwell : kDefaultFlagsLaunch;
    s.engine = stated_engine(row, library, kEnergyMonth);
    s.input_tokens = prompt_tokens();
    s.users = stated(row, "batch");
    s.requests = kSteadyRounds * s.users;
    s.max_num_seqs = std::max(s.users, row.count("max_num_seqs").value_or(0));
    check_size(s);
    return s;
  }

  static void check_size(const Simulation& s) {
    const double tokens = static_cast<double>(s.requests) * static_cast<double>(s.output_tokens);
    if (tokens > kMostTokens) throw Skipped{"too many tokens to simulate"};
  }

  // Mean power at the measured rate: the simulated energy, plus waiting power in the time by which
  // the measured run was longer. Scores the power model without the error of the predicted time.
  void power_at_measured_rate(Measurement& m, const Simulation& s) const {
    const DeviceSpec& device = stated_hardware(row, library);
    const DeviceModel model(device, Watts(s.power_limit_w), 1);
    const double devices = static_cast<double>(s.devices);
    const double waiting = devices * model.waiting_power().value();
    const double cap = devices * device.tdp.value() * device.family.power_cap;
    const double rate = stated_number(row, "output_tokens_per_s");
    plan.simulate(m, s, [=](const SimulationResult& r) {
      const double seconds = r.output_tokens / rate;
      return std::min(cap, (r.device_joules + waiting * (seconds - r.horizon_s)) / seconds);
    });
  }

  void wide() const {
    Simulation s;
    std::string reason = row.fault();
    try {
      if (reason.empty()) s = steady();
    } catch (const Skipped& skipped) {
      reason = skipped.reason;
    }
    for (const WideFigure& known : kWide) {
      if (!row.has(known.column)) continue;
      Measurement& m = figure(known.column, known.unit);
      reason.empty() ? plan.simulate(m, s, known.of) : plan.skip(m, reason);
    }
    if (!row.has("average_power_w") || !row.has("output_tokens_per_s")) return;
    Measurement& m = figure("average_power_w", "W");
    m.metric = "average_power_w_given_output_tokens_per_s";
    reason.empty() ? power_at_measured_rate(m, s) : plan.skip(m, reason);
  }

  // One batch, its prompts in one step; timed inside the engine, without a server's request
  // handling. Source: Splitwise (ISCA 2024), which profiles vLLM.
  void static_batch(Measurement& m) const {
    Simulation s = conditions();
    s.engine = kSplitwiseEngine;
    s.arrivals = ArrivalKind::kStatic;
    s.input_tokens = stated(row, "isl");
    s.users = s.requests = stated(row, "batch");
    s.max_num_seqs = std::max(EngineMemoryRules{}.max_num_seqs, s.users);
    s.memory_utilization = kStaticMemory;
    s.max_batched_tokens =
        std::max(EngineMemoryRules{}.max_batched_tokens, s.users * s.input_tokens);
    check_size(s);
    const double handling = library.engine(s.engine).policy.request_time.value();
    const double tdp = stated_hardware(row, library).tdp.value() * static_cast<double>(s.devices);
    const std::string& metric = m.metric;
    if (metric == "request_time_s" && s.output_tokens > kSplitwiseMostOutput) {
      throw Skipped{"ended before its stated output"};
    }
    if (metric == "ttft_s") {
      plan.simulate(m, s, [=](const SimulationResult& r) { return r.ttft_s - handling; });
    } else if (metric == "itl_s") {
      plan.simulate(m, s, [](const SimulationResult& r) { return r.tpot_s; });
    } else if (metric == "request_time_s") {
      plan.simulate(m, s, [=](const SimulationResult& r) { return r.e2e_s - handling; });
    } else if (metric == "power_fraction_of_tdp") {
      plan.simulate(m, s,
                    [=](const SimulationResult& r) { return r.device_joules / r.horizon_s / tdp; });
    } else if (metric == "peak_power_fraction_of_tdp") {
      plan.simulate(m, s, [=](const SimulationResult& r) {
        return r.prefill_joules / (r.ttft_s - handling) / tdp;
      });
    } else {
      throw Skipped{fmt::format("metric {} is not predicted", metric)};
    }
  }

  void answer() const {
    if (!row.has("metric")) return wide();
    Measurement& m = figure(nullptr, nullptr);
    try {
      if (!row.fault().empty()) throw Skipped{row.fault()};
      if (m.metric == "gpu_hours") throw Skipped{"training is not simulated yet"};
      if (row.text("task") == "static batch") return static_batch(m);
      stated(row, "isl");
      throw Skipped{fmt::format("task {} is not known", row.text("task"))};
    } catch (const Skipped& skipped) {
      plan.skip(m, skipped.reason);
    }
  }
};

}  // namespace

void plan_energy(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  for (const TruthRow& row : table.rows) EnergyRow{table, row, library, plan}.answer();
}

}  // namespace moesim
