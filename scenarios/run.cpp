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

CaseReport too_big(const Deployment& deployment, const MemoryLedger& memory) {
  const std::string reason =
      memory.shortfall.value() > 0
          ? fmt::format(
                "needs {:.1f} GiB on its fullest device, {:.1f} GiB more than the engine may use",
                memory.needed().value() / kGiB, memory.shortfall.value() / kGiB)
          : "no room is left for the KV cache of one block of tokens";
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
  const MemoryLedger memory = memory_ledger(deployment, bank);
  if (!memory.fits()) return too_big(deployment, memory);
  const Summary summary = run_case(deployment, *one.workload, bank, progress);
  return make_case_report(deployment, *one.workload, summary, bank);
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
  ChildJobs jobs;
  jobs.count = scenario.cases.size();
  jobs.at_once = options.jobs;
  jobs.work = [&](std::size_t i, const ProgressSink& progress) {
    return to_json(simulate(scenario.cases[i], progress)).dump();
  };
  jobs.finished = [&](std::size_t i, const std::string& result) {
    all[i] = case_report_from_json(nlohmann::ordered_json::parse(result));
  };
  jobs.progress = options.progress;
  report.interrupted = !run_children(jobs);
  report.cases = with_baselines(std::move(all), scenario.cases);
  return report;
}

}  // namespace moesim
