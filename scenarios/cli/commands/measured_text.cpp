#include "scenarios/cli/commands/measured_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hardware/kernels/measured_kernels.h"
#include "models/work/kernel_shapes.h"

namespace moesim {
namespace {

std::string coverage(const std::string& name, const Deployment& deployment) {
  const DeviceSpec& device = deployment.cluster.node.device;
  std::string out;
  for (const Fact& fact : device.facts) {
    if (fact.path.find(": measured ") == std::string::npos) continue;
    out += fmt::format("\n{}: {}: {}\n  {}\n", name, fact.path, fact.text, fact.source);
  }
  const std::vector<Kernel> kernels =
      kernel_shapes(deployment.model, deployment.plan, deployment.dtypes);
  std::vector<Kernel> lacking;
  std::copy_if(kernels.begin(), kernels.end(), std::back_inserter(lacking),
               [&](const Kernel& k) { return !device.measured->holds(*measured_shape(k)); });
  out += fmt::format("  rows for {} of the {} kernel shapes of a rank",
                     kernels.size() - lacking.size(), kernels.size());
  return out + (lacking.empty() ? "\n" : "; the model times these:\n" + kernel_shapes_csv(lacking));
}

}  // namespace

std::string measured_text(const Scenario& scenario) {
  std::string out;
  std::set<std::string> seen;
  for (const Case& one : scenario.cases) {
    if (one.deployment.cluster.node.device.measured == nullptr || !one.infeasible.empty()) continue;
    if (one.baseline_of.empty() && seen.insert(one.name).second) {
      for (const Deployment& pool : pools_of(one.deployment)) {
        const bool prefills = pool.role == PoolRole::kPrefill;
        out += coverage(one.name + (prefills ? " prefill" : ""), pool);
      }
    }
  }
  return out;
}

}  // namespace moesim
