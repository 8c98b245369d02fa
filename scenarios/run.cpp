#include "scenarios/run.h"

#include <fmt/format.h>

#include "models/router/bank/bank_cache.h"
#include "reports/metrics.h"
#include "sim/expert_memory.h"
#include "sim/run_case.h"

namespace moesim {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

CaseReport report_without_run(const Case& one, CaseStatus status, const std::string& reason) {
  CaseReport report;
  report.name = one.name;
  report.status = status;
  report.reason = reason;
  report.model = one.deployment.model.name;
  report.is_moe = one.deployment.model.is_moe();
  report.metrics.resize(metric_table().size());
  return report;
}

// `role`: of the workers that it is about.
CaseReport too_big(const Deployment& deployment, const MemoryLedger& memory, PoolRole role) {
  const char* pool = role == PoolRole::kPrefill  ? "prefill pool: "
                     : role == PoolRole::kDecode ? "decode pool: "
                                                 : "";
  const std::string reason =
      pool +
      (memory.shortfall.value() > 0
           ? fmt::format(
                 "needs {:.1f} GiB on its fullest device, {:.1f} GiB more than the engine may use",
                 memory.needed().value() / kGiB, memory.shortfall.value() / kGiB)
           : "no room is left for the KV cache of one block of tokens");
  const auto fit = smallest_fit(deployment.model, deployment.dtypes, deployment.serving.memory,
                                deployment.cluster.node.device);
  return make_infeasible_report(deployment, memory, reason,
                                fit.value_or("no layout up to 1024 of these devices"));
}

// Puts every baseline into the case before it, which it belongs to.
std::vector<CaseReport> with_baselines(std::vector<CaseReport> all,
                                       const std::vector<Case>& cases) {
  std::vector<CaseReport> own;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].point = cases[i].point;
    const bool is_twin = !cases[i].baseline_of.empty();
    (is_twin ? own.back().baselines : own).push_back(std::move(all[i]));
  }
  return own;
}

}  // namespace

CaseReport simulate(const Case& one, const ProgressSink& progress) {
  const Deployment& deployment = one.deployment;
  if (!one.infeasible.empty()) {
    return report_without_run(one, CaseStatus::kInfeasible, one.infeasible);
  }
  std::optional<RoutingBank> routed;
  if (deployment.model.is_moe()) {
    routed = cached_routing_bank(deployment.model, deployment.tokens, deployment.seed);
  }
  const RoutingBank* bank = routed ? &*routed : nullptr;
  for (const Deployment& pool : pools_of(deployment)) {
    const MemoryLedger memory = memory_ledger(pool, bank);
    if (!memory.fits()) return too_big(deployment, memory, pool.role);
  }
  const Summary summary = run_case(deployment, *one.workload, bank, progress);
  return make_case_report(deployment, *one.workload, summary, bank);
}

namespace {

// What a child does: a case as it is stated (draw 0), or one of its draws.
struct Job {
  std::size_t one = 0;
  std::int64_t draw = 0;
};

// Everything as stated first. Twins are compared with their case draw by draw nowhere, so they have
// none.
std::vector<Job> jobs_of(const Scenario& scenario, std::int64_t draws) {
  std::vector<Job> jobs;
  for (std::int64_t draw = 0; draw <= draws; ++draw) {
    for (std::size_t i = 0; i < scenario.cases.size(); ++i) {
      if (draw == 0 || scenario.cases[i].baseline_of.empty()) jobs.push_back({i, draw});
    }
  }
  return jobs;
}

std::string work_on(const Job& job, const Scenario& scenario, const RunOptions& options,
                    const ProgressSink& progress) {
  if (job.draw == 0) return to_json(simulate(scenario.cases[job.one], progress)).dump();
  const Scenario redrawn = options.redraw({scenario.seed, job.draw, options.draws});
  const CaseReport report = simulate(redrawn.cases[job.one], progress);
  return to_json(report.status == CaseStatus::kDone ? report.metrics : CaseMetrics{}).dump();
}

}  // namespace

std::size_t num_jobs(const Scenario& scenario, const RunOptions& options) {
  return jobs_of(scenario, options.draws).size();
}

Report run(const Scenario& scenario, const RunOptions& options) {
  Report report;
  report.scenario = scenario.name;
  report.question = scenario.question;
  report.seed = scenario.seed;
  report.resolved = scenario.resolved;
  std::vector<CaseReport> all;
  for (const Case& one : scenario.cases) {
    all.push_back(report_without_run(one, CaseStatus::kSkipped, "interrupted"));
  }
  const std::vector<Job> todo = jobs_of(scenario, options.draws);
  std::vector<std::vector<CaseMetrics>> draws(all.size());
  for (auto& of_case : draws) of_case.resize(static_cast<std::size_t>(options.draws));
  ChildJobs jobs;
  jobs.count = todo.size();
  jobs.at_once = options.jobs;
  jobs.work = [&](std::size_t i, const ProgressSink& progress) {
    return work_on(todo[i], scenario, options, progress);
  };
  jobs.finished = [&](std::size_t i, const std::string& result) {
    const auto json = nlohmann::ordered_json::parse(result);
    const auto [one, draw] = todo[i];
    if (draw == 0) {
      all[one] = case_report_from_json(json);
    } else {
      draws[one][static_cast<std::size_t>(draw - 1)] = case_metrics_from_json(json);
    }
  };
  jobs.progress = options.progress;
  report.interrupted = !run_children(jobs);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].status == CaseStatus::kDone) all[i].draws = std::move(draws[i]);
  }
  report.cases = with_baselines(std::move(all), scenario.cases);
  return report;
}

}  // namespace moesim
