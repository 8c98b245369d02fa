#include "sim/serving/run_case.h"

#include <algorithm>
#include <deque>

#include "models/router/bank/load_statistics.h"
#include "sim/deployment/expert_memory.h"
#include "sim/events/engine.h"
#include "sim/serving/service.h"
#include "sim/serving/summarize.h"

namespace moesim {

namespace {

// A deque, because each pool keeps references to its own members.
std::deque<Pool> ready_pools(const Deployment& deployment, const std::vector<MemoryLedger>& ledgers,
                             const RoutingBank* bank) {
  std::deque<Pool> pools;
  for (const Deployment& part : pools_of(deployment)) {
    pools.emplace_back(part, bank, ledgers.at(pools.size()));
  }
  return pools;
}

CaseTimeline empty_timeline(const std::deque<Pool>& pools, const TimelineRequest& request) {
  CaseTimeline timeline;
  for (const Pool& pool : pools) {
    TimelineRequest share = request;
    share.spans =
        std::max<std::int64_t>(1, request.spans / static_cast<std::int64_t>(pools.size()));
    timeline.pools.emplace_back(pool.deployment, fitting_view(pool.deployment, share));
  }
  return timeline;
}

}  // namespace

CaseTimeline record_timeline(const Deployment& deployment, const std::vector<MemoryLedger>& ledgers,
                             const Workload& workload, const RoutingBank* bank,
                             const TimelineRequest& request,
                             const std::function<void(double)>& progress) {
  std::deque<Pool> pools = ready_pools(deployment, ledgers, bank);
  const Topology topology(deployment.cluster);
  Engine engine(topology);
  Service service(pools, workload, engine);
  CaseTimeline timeline = empty_timeline(pools, request);
  service.record(timeline);
  if (progress) service.report_progress_to(progress);
  service.start();
  engine.run();
  return timeline;
}

Summary run_case(const Deployment& deployment, const Workload& workload, const RoutingBank* bank,
                 const std::function<void(double)>& progress) {
  return run_case(deployment, pool_ledgers(deployment, bank), workload, bank, progress);
}

Summary run_case(const Deployment& deployment, const std::vector<MemoryLedger>& ledgers,
                 const Workload& workload, const RoutingBank* bank,
                 const std::function<void(double)>& progress) {
  Summary summary;
  summary.memory = ledgers.front();
  if (deployment.prefill) summary.prefill.emplace().memory = ledgers.back();
  std::deque<Pool> pools = ready_pools(deployment, ledgers, bank);
  const Topology topology(deployment.cluster);
  Engine engine(topology);
  Service service(pools, workload, engine);
  if (progress) service.report_progress_to(progress);

  service.start();
  engine.run();
  service.close();

  summarize({deployment, workload, bank, pools, service, topology, engine.now()}, summary);
  return summary;
}

}  // namespace moesim
