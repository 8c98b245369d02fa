#include "scenarios/validate/plan/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/random.h"
#include "hardware/read/profiles.h"
#include "models/spec/model_formats.h"
#include "sim/deployment/expert_memory.h"
#include "sim/serving/run_case.h"

namespace moesim {
namespace {

constexpr std::uint64_t kSeed = 1;

constexpr std::pair<const char*, double SimulationResult::*> kFigures[] = {
    {"ttft_s", &SimulationResult::ttft_s},
    {"tpot_s", &SimulationResult::tpot_s},
    {"e2e_s", &SimulationResult::e2e_s},
    {"fastest_tpot_s", &SimulationResult::fastest_tpot_s},
    {"horizon_s", &SimulationResult::horizon_s},
    {"requests", &SimulationResult::requests},
    {"input_tokens", &SimulationResult::input_tokens},
    {"output_tokens", &SimulationResult::output_tokens},
    {"device_joules", &SimulationResult::device_joules},
    {"prefill_joules", &SimulationResult::prefill_joules},
    {"cluster_joules", &SimulationResult::cluster_joules},
};

Workload workload_of(const Simulation& simulation) {
  Workload workload;
  workload.kind = simulation.arrivals;
  workload.concurrency = simulation.users;
  RandomStream inputs(kSeed, "input lengths"), outputs(kSeed, "output lengths");
  const auto drawn = [&](std::int64_t longest, RandomStream& random) {
    const double share = simulation.shortest + (1 - simulation.shortest) * random.uniform();
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(longest) * share));
  };
  for (std::int64_t i = 0; i < simulation.requests; ++i) {
    workload.requests.push_back({Seconds(0), drawn(simulation.input_tokens, inputs),
                                 drawn(simulation.output_tokens, outputs)});
  }
  return workload;
}

// Mean over `all` rounds, if all rounds except the first and the last are alike.
double mean_of_rounds(const std::vector<double>& means, std::int64_t all) {
  const double between = std::accumulate(means.begin() + 1, means.end() - 1, 0.0) /
                         static_cast<double>(means.size() - 2);
  return (means.front() + static_cast<double>(all - 2) * between + means.back()) /
         static_cast<double>(all);
}

double mean_latency(const Percentiles& simulated, const std::vector<double>& rounds,
                    std::int64_t measured) {
  const auto count = static_cast<std::int64_t>(rounds.size());
  return count > 2 && count < measured ? mean_of_rounds(rounds, measured) : simulated.mean;
}

SimulationResult result_of(const Deployment& deployment, const Summary& summary,
                           std::int64_t rounds) {
  SimulationResult result;
  result.ttft_s = mean_latency(summary.ttft_s, summary.ttft_rounds_s, rounds);
  result.tpot_s = mean_latency(summary.tpot_s, summary.tpot_rounds_s, rounds);
  result.e2e_s = summary.e2e_s.mean;
  result.fastest_tpot_s = summary.tpot_curve_s.empty() ? 0 : summary.tpot_curve_s.front();
  result.horizon_s = summary.horizon.value();
  result.requests = static_cast<double>(summary.completed);
  result.input_tokens = static_cast<double>(summary.input_tokens_done);
  result.output_tokens = static_cast<double>(summary.output_tokens_done);
  for (std::int64_t d = 0; d < deployment.total_ranks(); ++d) {
    result.device_joules += summary.devices[static_cast<std::size_t>(d)].total_energy().value();
  }
  result.prefill_joules = summary.prefill_energy.value();
  result.cluster_joules = summary.energy.total().value();
  return result;
}

std::string plan_key(const ParallelPlan& plan) {
  return fmt::format("tp{} pp{} dp{} ep{} mtp{} x{}", plan.tp, plan.pp, plan.attention_dp, plan.ep,
                     plan.moe_tp, plan.replicas);
}

// With separate pools the number of devices is rounded up to whole nodes.
std::optional<ClusterSpec> cluster_of(const Simulation& simulation, const Library& library) {
  constexpr std::int64_t kMostPerNode = 72;
  std::int64_t devices = simulation.devices;
  const std::int64_t most = devices + (simulation.prefill ? kMostPerNode : 0);
  for (; devices <= most; ++devices) {
    auto cluster = library.cluster(simulation.hardware, devices, simulation.whole_server);
    if (cluster) return cluster;
  }
  return std::nullopt;
}

// Why a pool cannot hold one request of the simulation; empty if it can.
std::string request_fault(const Deployment& pool, const Simulation& simulation,
                          const MemoryLedger& memory) {
  const std::string fault = memory_fault(memory, pool.role);
  if (!fault.empty()) return "does not fit: " + fault;
  const bool prefills = pool.role == PoolRole::kPrefill;
  const std::int64_t tokens = simulation.input_tokens + (prefills ? 1 : simulation.output_tokens);
  if (memory.kv_capacity_tokens < tokens) {
    return fmt::format("does not fit: room for {} tokens, one request has {}",
                       memory.kv_capacity_tokens, tokens);
  }
  return "";
}

std::string format_word(const std::optional<FormatName>& format) {
  return format ? word_of(*format) : "published";
}

}  // namespace

std::string Simulation::key() const {
  return fmt::format(
      "{}|{}|{}{}|{}{}|{} {} {} {}|{}|{} {} {} {}|{} {}+{} from {} {} of {} x{}|{} {} {} {} {} {}",
      model, hardware, devices, whole_server ? " whole" : "", plan_key(plan),
      prefill ? " prefill " + plan_key(*prefill) : "", format_word(dtypes.weights),
      format_word(dtypes.experts), word_of(dtypes.kv), word_of(dtypes.dispatch), engine,
      static_cast<int>(routing), power_limit_w, static_cast<int>(sampling), launch_scale,
      static_cast<int>(arrivals), input_tokens, output_tokens, shortest, users, requests, rounds,
      memory_utilization, max_num_seqs, max_batched_tokens, prompts_first, admission_interval,
      overlaps_host);
}

std::string Simulation::bank_key(const Library& library) const {
  const ModelSpec* spec = library.model(model);
  if (spec == nullptr || !spec->is_moe()) return "";
  return fmt::format("{} {}", model, static_cast<int>(routing));
}

Deployment deployment_of(const Simulation& simulation, const Library& library) {
  Deployment deployment;
  deployment.name = simulation.model;
  deployment.model = in_formats(*library.model(simulation.model), simulation.dtypes);
  // A measured run was possible, so the context of the model must not refuse it.
  const std::int64_t context = simulation.input_tokens + simulation.output_tokens;
  std::int64_t& positions = deployment.model.max_positions;
  if (positions > 0) positions = std::max(positions, context);
  deployment.cluster = *cluster_of(simulation, library);
  deployment.plan = simulation.plan;
  deployment.prefill = simulation.prefill;
  deployment.dtypes = simulation.dtypes;
  deployment.serving =
      serving_policy(library.engine(simulation.engine), deployment.cluster.node.device.memory);
  deployment.tokens.policy = simulation.routing;
  deployment.power_limit = Watts(simulation.power_limit_w);
  deployment.error =
      load_serving_error(simulation.model + " on " + simulation.hardware, library.variation());
  deployment.sampling = simulation.sampling;
  deployment.serving.launch_factor *= simulation.launch_scale;
  deployment.seed = kSeed;
  deployment.sample = library.variation().sample;
  EngineMemoryRules& rules = deployment.serving.memory;
  if (simulation.memory_utilization > 0) rules.memory_utilization = simulation.memory_utilization;
  if (simulation.max_num_seqs > 0) rules.max_num_seqs = simulation.max_num_seqs;
  if (simulation.max_batched_tokens > 0) rules.max_batched_tokens = simulation.max_batched_tokens;
  if (simulation.admission_interval > 0) {
    deployment.serving.admission_interval = simulation.admission_interval;
  }
  if (simulation.overlaps_host) deployment.serving.overlaps_host = true;
  if (simulation.prompts_first) deployment.serving.batching = batch_policy("prefill_first");
  return deployment;
}

std::string layout_fault(const Simulation& simulation, const Library& library) {
  const ModelSpec& model = *library.model(simulation.model);
  std::vector<PlanFault> faults;
  if (simulation.prefill) {
    const PoolFaults both =
        pool_faults(*simulation.prefill, simulation.plan, model, simulation.devices, 0);
    faults = both.prefill.empty() ? both.decode : both.prefill;
  } else {
    faults = plan_faults(simulation.plan, model, simulation.devices, 0);
  }
  if (!faults.empty()) {
    return fmt::format("layout: {} {} {}", faults.front().path, faults.front().value,
                       faults.front().allowed);
  }
  if (cluster_of(simulation, library)) return "";
  return fmt::format("no node profile for {} of {}", simulation.devices, simulation.hardware);
}

SimulationResult run_simulation(const Simulation& simulation, const Library& library,
                                const RoutingBank* bank) {
  const Deployment deployment = deployment_of(simulation, library);
  SimulationResult result;
  const std::vector<MemoryLedger> ledgers = pool_ledgers(deployment, bank);
  const std::vector<Deployment> pools = pools_of(deployment);
  for (std::size_t p = 0; p < pools.size(); ++p) {
    result.failed = request_fault(pools[p], simulation, ledgers[p]);
    if (!result.failed.empty()) return result;
  }
  const Summary summary = run_case(deployment, ledgers, workload_of(simulation), bank);
  if (summary.completed == 0) {
    result.failed = fmt::format("all {} requests were turned away", summary.rejected);
    return result;
  }
  return result_of(deployment, summary, simulation.rounds);
}

std::string to_text(const SimulationResult& result) {
  nlohmann::ordered_json json;
  json["failed"] = result.failed;
  for (const auto& [name, figure] : kFigures) json[name] = result.*figure;
  return json.dump();
}

SimulationResult simulation_result_from(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text);
  SimulationResult result;
  result.failed = json.at("failed").get<std::string>();
  for (const auto& [name, figure] : kFigures) result.*figure = json.at(name).get<double>();
  return result;
}

}  // namespace moesim
