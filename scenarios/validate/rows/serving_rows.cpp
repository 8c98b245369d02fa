#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "models/spec/model_formats.h"
#include "scenarios/validate/rows/conditions.h"
#include "scenarios/validate/rows/topics.h"
#include "sim/deployment/expert_memory.h"

namespace moesim {
namespace {

// A closed loop is measured over ten requests per user (as by InferenceMAX). Rounds between the
// first and the last are alike, so fewer are simulated if they are long (Simulation::rounds).
constexpr std::int64_t kRounds = 10;
constexpr std::int64_t kFewestRounds = 3;
constexpr std::int64_t kMostSteps = 4096;
constexpr std::int64_t kMostOutput = 1'000'000'000;  // Tokens of one simulation; minutes of work.
constexpr std::int64_t kMostRequests = 1'000'000;

// Largest batch of a throughput run (the default of trtllm-bench), and the number of such batches
// in the queue, so that the first and the last one have little weight.
constexpr std::int64_t kOfflineBatch = 2048;
constexpr std::int64_t kOfflineFillings = 3;
constexpr double kOfflineMemory = 0.95;  // KV share of free memory; notes of those tables.

// Releases of rows that state neither a release nor a date: MLPerf Inference 4.1 to 5.1 (2024-07 to
// 2025-08) and the engines of papers of those years.
const std::map<std::string, std::string> kUnstatedRelease = {
    {"vllm", "2025-07"}, {"sglang", "2025-07"}, {"tensorrt-llm", "2025-02"}};

constexpr double kDevicesPerNode = 8;  // "node = 8 GPUs".

struct ServingRow {
  const TruthRow& row;
  const Library& library;
  ValidationPlan& plan;
  Measurement& figure;

  // attention_dp if it is not stated: 1 if tensor and pipeline parallelism use all devices or the
  // model is dense; else it follows from the widths of the experts.
  std::int64_t attention_dp(const ParallelPlan& widths, std::int64_t devices) const {
    if (row.has("attn_dp")) return stated(row, "attn_dp");
    const bool moe = stated_model(row, library).is_moe();
    if (!moe || widths.tp * widths.pp == devices) return 1;
    if (row.has("moe_tp") && row.has("ep")) {
      return std::max<std::int64_t>(1, stated(row, "moe_tp") * stated(row, "ep") / widths.tp);
    }
    throw Skipped{"attn_dp not stated"};
  }

  std::int64_t tensor_width(std::int64_t devices) const {
    const std::int64_t pp = row.count("pp").value_or(1);
    if (row.has("tp") || devices == 1) return row.has("tp") ? stated(row, "tp") : 1;
    if (!row.has("attn_dp")) throw Skipped{"tp not stated"};
    return std::max<std::int64_t>(
        1, devices / (stated(row, "attn_dp") * std::max<std::int64_t>(1, pp)));
  }

  ParallelPlan layout() const {
    const std::int64_t devices = stated(row, "n_gpus");
    ParallelPlan widths;
    widths.pp = row.has("pp") ? stated(row, "pp") : 1;
    widths.tp = tensor_width(devices);
    widths.attention_dp = attention_dp(widths, devices);
    const std::int64_t ranks = widths.stage_ranks();
    if (stated_model(row, library).is_moe()) {
      const bool has_ep = row.has("ep"), has_tp = row.has("moe_tp");
      if (!has_ep && !has_tp && ranks > 1) throw Skipped{"expert layout (moe_tp, ep) not stated"};
      const std::int64_t given = has_ep ? stated(row, "ep") : has_tp ? stated(row, "moe_tp") : 1;
      const std::int64_t other = std::max<std::int64_t>(1, ranks / given);
      widths.ep = has_ep ? given : other;
      widths.moe_tp = has_tp ? stated(row, "moe_tp") : other;
    }
    widths.replicas = std::max<std::int64_t>(1, devices / widths.replica_ranks());
    return widths;
  }

  // The layout of one pool, by the prefix of its columns.
  ParallelPlan workers(const std::string& pool) const {
    ParallelPlan widths;
    widths.replicas = stated(row, pool + "workers");
    widths.tp = stated(row, pool + "tp");
    widths.pp = stated(row, pool + "pp");
    widths.attention_dp = stated(row, pool + "dp");
    if (!stated_model(row, library).is_moe()) return widths;
    widths.ep = stated(row, pool + "ep");
    widths.moe_tp = stated(row, pool + "moe_tp");
    return widths;
  }

  Simulation conditions() const {
    Simulation s;
    s.model = row.text("model");
    s.hardware = row.text("hardware");
    const ModelSpec& model = stated_model(row, library);
    stated_hardware(row, library);
    s.devices = stated(row, "n_gpus");
    s.engine = stated_engine(row, library, kUnstatedRelease.at(engine_name(row.text("engine"))));
    if (row.text("mode") == "disagg") {
      s.prefill = workers("p_");
      s.plan = workers("d_");
    } else {
      s.plan = layout();
    }
    s.dtypes = stated_dtypes(row.text("weight_dtype"), row.text("kv_dtype"), model);
    s.power_limit_w = stated_power_limit(row);
    if (row.text("routing") == "balanced") s.routing = TokenPolicy::kBalanced;
    if (!row.has("weight_dtype")) plan.read_as("weight_dtype not stated: the checkpoint's own");
    if (!row.has("kv_dtype")) {
      plan.read_as("kv_dtype not stated: fp8 with fp8 and fp4 weights, else bf16");
    }
    return s;
  }

  void check_size(const Simulation& s) const {
    if (s.requests > kMostRequests || s.requests * s.output_tokens > kMostOutput) {
      throw Skipped{"too many tokens to simulate"};
    }
    if (const std::string why = layout_fault(s, library); !why.empty()) throw Skipped{why};
  }

  std::int64_t users(const Simulation& s) const {
    if (row.has("concurrency")) return stated(row, "concurrency");
    // d_batch is the capacity of a decode replica, not its load.
    if (!row.has("batch")) throw Skipped{"concurrency not stated"};
    return stated(row, "batch") * s.plan.attention_dp * s.plan.replicas;
  }

  // Rows of InferenceMAX: dated runs of its three shapes.
  bool is_inference_max(const Simulation& s) const {
    constexpr std::pair<int, int> kShapes[] = {{1024, 1024}, {1024, 8192}, {8192, 1024}};
    return row.text("notes").starts_with("measured 20") &&
           std::any_of(std::begin(kShapes), std::end(kShapes), [&](const auto& shape) {
             return s.input_tokens == shape.first && s.output_tokens == shape.second;
           });
  }

  // Client and servers of InferenceMAX, from its scripts: lengths are uniform between 0.8 of the
  // shape and all of it; vLLM schedules asynchronously; for tuned models (DeepSeek-R1, Qwen3.5)
  // SGLang takes chunks of 32,768 tokens, in fp4 of 16,384, and on Blackwell it polls for requests
  // every 10 steps, from 16 users on every 30. Source: github.com/SemiAnalysisAI/InferenceX,
  // README.md and benchmarks/.
  void as_inference_max(Simulation& s) const {
    s.shortest = 0.8;
    s.overlaps_host = s.engine.starts_with("vllm");
    const bool tuned = s.model == "deepseek-r1" || s.model.starts_with("qwen3.5");
    if (s.engine.starts_with("sglang") && tuned) {
      s.max_batched_tokens =
          main_format(in_formats(stated_model(row, library), s.dtypes)).dtype == Dtype::kFp4
              ? 16384
              : 32768;
      const bool blackwell = s.hardware.starts_with("b");
      if (blackwell) s.admission_interval = s.users < 16 ? 10 : 30;
    }
    plan.read_as("dated rows: lengths drawn from 0.8 of them to all and servers as InferenceMAX's");
  }

  std::int64_t rounds_to_simulate(const Simulation& s) const {
    if (figure.metric != "ttft_s" && figure.metric != "tpot_s") return kRounds;
    return std::clamp(kMostSteps / s.output_tokens, kFewestRounds, kRounds);
  }

  void closed_loop() const {
    Simulation s = conditions();
    s.input_tokens = stated(row, "isl");
    s.output_tokens = stated(row, "osl");
    s.users = users(s);
    s.rounds = kRounds;
    s.requests = rounds_to_simulate(s) * s.users;
    if (is_inference_max(s)) as_inference_max(s);
    const std::int64_t ranks = s.prefill ? s.plan.attention_dp * s.plan.replicas : 1;
    s.max_num_seqs = std::max(EngineMemoryRules{}.max_num_seqs, (s.users + ranks - 1) / ranks);
    check_size(s);
    figure.load =
        fmt::format("{}|{}|{}|{}|{}|{}|{:.6g}", s.model, s.hardware, row.text("weight_dtype"),
                    engine_name(row.text("engine")), s.input_tokens, s.output_tokens,
                    static_cast<double>(s.users) / static_cast<double>(s.devices));
    if (figure.metric == "ttft_s") {
      plan.simulate(figure, s, [](const SimulationResult& r) { return r.ttft_s; });
    } else if (figure.metric == "tpot_s") {
      if (s.output_tokens < 2) throw Skipped{"no time per output token at one output token"};
      plan.simulate(figure, s, [](const SimulationResult& r) { return r.tpot_s; });
    } else {
      throughput(s, s.devices);
    }
  }

  // Tokens per second of the whole run, over the deployment, a GPU or a node of eight.
  void throughput(const Simulation& s, std::int64_t devices) const {
    const double gpus = static_cast<double>(devices);
    const std::string& metric = figure.metric;
    const bool input = metric.starts_with("input_tokens_per_s");
    if (!input && !metric.starts_with("output_tokens_per_s")) {
      throw Skipped{fmt::format("metric {} is not predicted", metric)};
    }
    const double parts = metric.ends_with("_per_gpu")    ? gpus
                         : metric.ends_with("_per_node") ? gpus / kDevicesPerNode
                                                         : 1;
    plan.simulate(figure, s, [input, parts](const SimulationResult& r) {
      return (input ? r.input_tokens : r.output_tokens) / r.horizon_s / parts;
    });
  }

  void offline() const {
    Simulation s = conditions();
    s.arrivals = ArrivalKind::kStatic;
    s.input_tokens = stated(row, "isl");
    s.output_tokens = stated(row, "osl");
    s.memory_utilization = kOfflineMemory;
    if (const std::string why = layout_fault(s, library); !why.empty()) throw Skipped{why};
    s.max_num_seqs = offline_batch(s);
    s.users = s.requests =
        kOfflineFillings * s.max_num_seqs * s.plan.attention_dp * s.plan.replicas;
    check_size(s);
    throughput(s, s.devices);
  }

  // The largest batch per attention-DP rank that fits into the cache beside its own buffers.
  std::int64_t offline_batch(Simulation s) const {
    const std::int64_t tokens = s.input_tokens + s.output_tokens;
    const auto holds = [&](std::int64_t batch) {
      s.max_num_seqs = batch;
      const Deployment d = deployment_of(s, library);
      return memory_ledger(d, nullptr).kv_capacity_tokens >= batch * tokens;
    };
    std::int64_t fits = 1, too_many = kOfflineBatch + 1;
    while (too_many - fits > 1) {
      const std::int64_t middle = (fits + too_many) / 2;
      (holds(middle) ? fits : too_many) = middle;
    }
    return fits;
  }

  void static_prefill() const {
    Simulation s = conditions();
    s.arrivals = ArrivalKind::kStatic;
    s.input_tokens = stated(row, "isl");
    const std::int64_t batch = stated(row, "batch");
    s.users = s.requests = batch * s.devices;
    s.max_batched_tokens =
        batch * s.input_tokens * s.devices / (s.plan.attention_dp * s.plan.replicas);
    check_size(s);
    throughput(s, s.devices);
  }

  // All sequences decode at the same length. The TPOT of the fastest request contains no prompt of
  // another request.
  void static_decode() const {
    Simulation s = conditions();
    s.arrivals = ArrivalKind::kStatic;
    s.input_tokens = stated(row, "kv_len");
    const std::int64_t batch = stated(row, "batch");
    s.output_tokens = 16;
    s.users = s.requests = batch * s.devices;
    s.max_num_seqs = std::max(EngineMemoryRules{}.max_num_seqs, batch);
    s.prompts_first = true;
    check_size(s);
    const double gpus = static_cast<double>(s.devices);
    const double parts = figure.metric.ends_with("_per_gpu")    ? gpus
                         : figure.metric.ends_with("_per_node") ? gpus / kDevicesPerNode
                                                                : 1;
    const double sequences = static_cast<double>(s.requests);
    if (figure.metric.starts_with("output_tokens_per_s")) {
      plan.simulate(figure, s, [=](const SimulationResult& r) {
        return sequences / r.fastest_tpot_s / parts;
      });
    } else {
      plan.simulate(figure, s, [](const SimulationResult& r) { return r.fastest_tpot_s; });
    }
  }

  void answer() const {
    const std::string& mode = row.text("mode");
    if (mode == "closed_loop" || mode == "disagg") return closed_loop();
    if (mode == "offline_max") return offline();
    if (mode == "static_prefill") return static_prefill();
    if (mode == "static_decode") return static_decode();
    if (mode.starts_with("mlperf")) {
      stated_model(row, library);
      stated_hardware(row, library);
      stated(row, "isl");
      return offline();
    }
    throw Skipped{fmt::format("mode {} is not known", mode.empty() ? "not stated" : mode)};
  }
};

}  // namespace

void plan_serving(const TruthTable& table, const Library& library, ValidationPlan& plan) {
  for (const TruthRow& row : table.rows) {
    Measurement& figure = plan.add(table, row);
    figure.kind = row.text("mode") == "closed_loop" ? "" : row.text("mode");
    if (const ModelSpec* model = library.model(figure.model)) figure.is_moe = model->is_moe();
    try {
      if (!row.fault().empty()) throw Skipped{row.fault()};
      ServingRow{row, library, plan, figure}.answer();
    } catch (const Skipped& skipped) {
      plan.skip(figure, skipped.reason);
    }
  }
}

}  // namespace moesim
