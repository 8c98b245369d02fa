#include "scenarios/run/run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "models/router/make/bank_cache.h"
#include "reports/results/case_report_json.h"
#include "scenarios/run/bank_batches.h"
#include "scenarios/run/run_results.h"
#include "sim/deployment/expert_memory.h"
#include "sim/deployment/request_fit.h"
#include "sim/deployment/way_out.h"
#include "sim/serving/run_case.h"

namespace moesim {
namespace {

// The pools of a deployment with the memory that each needs.
struct SizedPools {
  const Deployment& deployment;
  std::vector<Deployment> pools;
  std::vector<MemoryLedger> ledgers;

  CaseReport too_small(std::size_t pool, const std::string& reason, std::int64_t kv_tokens) const {
    return make_infeasible_report(deployment, ledgers[pool], reason,
                                  way_out(pools[pool], ledgers[pool], kv_tokens));
  }

  // A report of why the model does not fit; nothing if it does.
  std::optional<CaseReport> memory_refusal() const {
    for (std::size_t p = 0; p < pools.size(); ++p) {
      const std::string fault = memory_fault(ledgers[p], pools[p].role);
      if (!fault.empty()) return too_small(p, fault, 1);
    }
    return std::nullopt;
  }

  // A report of why it can serve none of the requests; nothing if it can.
  std::optional<CaseReport> refusal(const Workload& workload) const {
    if (auto report = memory_refusal()) return report;
    const auto fault = request_fault(pools, ledgers, workload.requests);
    if (!fault) return std::nullopt;
    if (fault->needed > 0) return too_small(fault->pool, fault->reason, fault->needed);
    return make_infeasible_report(deployment, ledgers.front(), fault->reason,
                                  "shorter requests, or a model of longer context");
  }
};

}  // namespace

std::string row_title(const CaseRow& row) {
  std::string title = row.name;
  for (const auto& [path, value] : row.point) title += fmt::format(", {} = {}", path, value);
  return title;
}

CaseReport report_without_run(const CaseRow& row, CaseStatus status, const std::string& reason) {
  CaseReport report;
  report.name = row.name;
  report.status = status;
  report.reason = reason;
  report.model = row.model;
  report.is_moe = row.is_moe;
  report.metrics.resize(metric_table().size());
  return report;
}

namespace {

CaseReport simulated(const Case& planned, const ProgressSink& progress) {
  const Deployment& deployment = planned.deployment;
  if (!planned.infeasible.empty()) {
    return report_without_run(planned, CaseStatus::kInfeasible, planned.infeasible);
  }
  // Even loads need the least memory: if that does not fit, no token need be routed.
  const SizedPools even{deployment, pools_of(deployment), pool_ledgers(deployment, nullptr)};
  if (auto report = even.memory_refusal()) return *std::move(report);
  std::optional<RoutingBank> routed;
  if (deployment.model.is_moe()) {
    routed = cached_routing_bank(deployment.model, deployment.tokens, deployment.seed);
  }
  const RoutingBank* bank = routed ? &*routed : nullptr;
  const SizedPools sized{deployment, pools_of(deployment), pool_ledgers(deployment, bank)};
  if (auto report = sized.refusal(*planned.workload)) return *std::move(report);
  const Summary summary = run_case(deployment, sized.ledgers, *planned.workload, bank, progress);
  return make_case_report(deployment, *planned.workload, summary, bank);
}

}  // namespace

CaseReport simulate(const Case& planned, const ProgressSink& progress) {
  CaseReport report = simulated(planned, progress);
  if (planned.workload) {
    for (const std::string& note : planned.workload->notes) report.notes.push_back(note);
  }
  return report;
}

namespace {

std::string simulate_job(const Case& planned, const Job& job, const ProgressSink& progress) {
  CaseReport report = simulate(planned, progress);
  if (!job.details) drop_details(report);
  if (job.sample == 0) return to_json(report).dump();
  return to_json(report.status == CaseStatus::kDone ? report.metrics : CaseMetrics{}).dump();
}

}  // namespace

std::string simulate_again(const Scenario& scenario, const Job& job, const ProgressSink& progress) {
  const Variation variation{scenario.seed, job.sample, job.samples};
  return simulate_job(read_twin(scenario, job.row, job.twin, variation), job, progress);
}

namespace {

// Runs the jobs as children of this process, and between them makes the routing banks. Jobs that
// are idle by the time that they could start are left out.
bool run_here(const Scenario& scenario, const std::vector<Job>& todo, const ChildJobs& given,
              const std::function<bool(const Job&)>& is_idle) {
  BankBatches banks(scenario, todo);
  const std::size_t count = todo.size();
  std::size_t batches_made = 0;
  ChildJobs jobs = given;
  jobs.count = count + banks.count();
  jobs.next = [&] {
    NextJob next = banks.next();
    while (next.kind == NextJob::Kind::kJob && next.job < count && is_idle(todo[next.job])) {
      next = banks.next();
    }
    return next;
  };
  jobs.work = [&](std::size_t i, const ProgressSink& progress) {
    if (i < count) return given.work(i, progress);
    banks.make(i - count, given.at_once);
    return std::string();
  };
  jobs.finished = [&](std::size_t i, const std::string& text) {
    if (i < count) return given.finished(i, text);
    banks.finished(i - count);
    ++batches_made;
  };
  // Cases make the banks that a batch did not.
  jobs.failed = [&](std::size_t i, std::exception_ptr why) {
    if (i < count) return given.failed(i, std::move(why));
    banks.finished(i - count);
    ++batches_made;
  };
  jobs.progress = [&](double share, std::size_t finished) {
    const auto made = static_cast<double>(batches_made);
    given.progress((share * static_cast<double>(jobs.count) - made) / static_cast<double>(count),
                   finished - batches_made);
  };
  return run_children(jobs);
}

}  // namespace

Report run(const Scenario& scenario, const RunOptions& options) {
  RunResults results(scenario, options);
  const std::vector<Job> todo = results.recall();
  ChildJobs jobs;
  jobs.count = todo.size();
  jobs.at_once = options.jobs;
  jobs.work = [&](std::size_t i, const ProgressSink& progress) {
    const Job& job = todo[i];
    return job.sample == 0 && !scenario.cases.empty()
               ? simulate_job(scenario.cases[job.index], job, progress)
               : simulate_again(scenario, job, progress);
  };
  jobs.finished = [&](std::size_t i, const std::string& text) { results.deliver(todo[i], text); };
  jobs.failed = [&](std::size_t i, std::exception_ptr why) {
    results.fail(todo[i], std::move(why));
  };
  jobs.progress = [&](double share, std::size_t finished) {
    if (options.database != nullptr) options.database->tick();
    if (options.progress) options.progress({share, finished, todo.size(), results.recalled()});
  };
  const auto is_idle = [&](const Job& job) { return results.is_idle(job); };
  const bool finished =
      options.execute ? options.execute(todo, jobs) : run_here(scenario, todo, jobs, is_idle);
  results.throw_if_nothing_ran();
  return results.report(!finished);
}

}  // namespace moesim
