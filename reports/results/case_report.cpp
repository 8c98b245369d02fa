#include "reports/results/case_report.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "models/spec/model_formats.h"
#include "reports/results/case_fields.h"

namespace moesim {
namespace {

constexpr std::array<const char*, 4> kStatusNames = {"done", "infeasible", "skipped", "failed"};

std::string hardware_text(const ClusterSpec& cluster) {
  const NodeSpec& node = cluster.node;
  if (node.devices < node.wired_devices()) {
    return fmt::format("{} of the {} devices of {} ({} x {})", node.devices, node.wired_devices(),
                       node.name, node.devices, node.device.name);
  }
  if (cluster.nodes == 1 && node.devices == 1) return "1 x " + node.device.name;
  return fmt::format("{} x {} ({} x {})", cluster.nodes, node.name, cluster.num_devices(),
                     node.device.name);
}

std::string layout_text(const ParallelPlan& plan) {
  const std::array<std::pair<const char*, std::int64_t>, 6> widths = {
      {{"tp", plan.tp},
       {"pp", plan.pp},
       {"attention dp", plan.attention_dp},
       {"ep", plan.ep},
       {"moe tp", plan.moe_tp},
       {"replicas", plan.replicas}}};
  std::string text;
  for (const auto& [name, width] : widths) {
    // Expert widths that only repeat tensor parallelism say nothing new.
    if (width == 1 || (std::string_view(name) == "moe tp" && plan.ep == 1)) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, width);
  }
  return text.empty() ? "one rank" : text;
}

// Facts in the order of the profiles, each once.
std::vector<Fact> facts_of(const Deployment& deployment) {
  const NodeSpec& node = deployment.cluster.node;
  const DeviceSpec& device = node.device;
  const std::vector<Fact> family = device.family_facts(
      deployment.model.is_moe() ? std::optional(main_format(deployment.model).dtype) : std::nullopt,
      deployment.power_limit > Watts(0));
  std::vector<Fact> facts;
  for (const std::vector<Fact>* part :
       {&device.facts, &family, &device.link_technology.facts, &node.facts,
        &node.nic_technology.facts, &deployment.cluster.fabric.facts, &deployment.site.facts,
        &deployment.error.facts, &deployment.serving.facts, &deployment.faults.facts}) {
    for (const Fact& fact : *part) facts.push_back(fact);
  }
  if (deployment.plan.dispatches_tokens()) {
    for (const Fact& fact : device.link_technology.all_to_all.facts) facts.push_back(fact);
  }
  return facts;
}

CaseReport described(const Deployment& deployment) {
  CaseReport report;
  report.name = deployment.name;
  report.model = deployment.model.name;
  report.hardware = hardware_text(deployment.cluster);
  report.layout = layout_text(deployment.plan);
  if (deployment.prefill) {
    report.layout =
        fmt::format("prefill {}; decode {}", layout_text(*deployment.prefill), report.layout);
  }
  report.is_moe = deployment.model.is_moe();
  report.not_modelled = deployment.model.not_modelled;
  report.quality = quality_of(deployment);
  report.notes = deployment.model.format_notes;
  if (!deployment.serving.caution.empty()) report.notes.push_back(deployment.serving.caution);
  report.facts = facts_of(deployment);
  for (const Fact& fact : quality_facts(deployment)) report.facts.push_back(fact);
  return report;
}

void check_finite(const std::vector<std::vector<double>>& grid, const std::string& key) {
  for (const std::vector<double>& row : grid)
    for (const double value : row)
      if (!std::isfinite(value)) throw std::logic_error(key + " is not finite");
}

CaseRouting routing_of(const Deployment& deployment, const Summary& summary,
                       const RoutingBank* bank) {
  CaseRouting routing;
  routing.provenance = summary.routing.provenance;
  routing.load = summary.routing.load;
  routing.layers = summary.routing.layers;
  routing.dispatch_bytes = summary.routing.dispatch_bytes;
  routing.periods = summary.routing.periods;
  check_finite(routing.load, "expert_load");
  check_finite(routing.dispatch_bytes, "dispatch_bytes_per_token");
  if (bank == nullptr) return routing;
  routing.basis = routing_basis(deployment.model, deployment.tokens, bank->origin);
  routing.training = bank->training;
  return routing;
}

// Of a value, and of the values inside it.
template <HasFields T>
void clear_details(T& value) {
  for_each_field<T>([&]<class Owner, class Value>(const Field<Owner, Value>& field) {
    if (field.place == Place::kDetail) {
      value.*field.member = {};
    } else if constexpr (HasFields<Value>) {
      clear_details(value.*field.member);
    }
  });
}

}  // namespace

std::string_view status_name(CaseStatus status) {
  return kStatusNames[static_cast<std::size_t>(status)];
}

CaseStatus status_named(std::string_view name) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i)
    if (name == kStatusNames[i]) return static_cast<CaseStatus>(i);
  throw std::logic_error("no case status " + std::string(name));
}

std::optional<double> metric(const CaseReport& report, Metric key) {
  return metric(report.metrics, key);
}

CaseReport make_case_report(const Deployment& deployment, const Workload& workload,
                            const Summary& summary, const RoutingBank* bank) {
  CaseReport report = described(deployment);
  report.metrics = compute_metrics({deployment, &workload, &summary, summary.memory});
  if (deployment.model.is_moe()) report.routing = routing_of(deployment, summary, bank);
  report.network = summary.network;
  report.ttft_curve_s = summary.ttft_curve_s;
  report.tpot_curve_s = summary.tpot_curve_s;
  report.e2e_curve_s = summary.e2e_curve_s;
  report.queue = summary.queue;
  return report;
}

CaseReport make_infeasible_report(const Deployment& deployment, const MemoryLedger& memory,
                                  const std::string& reason, const std::string& remedy) {
  CaseReport report = described(deployment);
  report.status = CaseStatus::kInfeasible;
  report.reason = reason;
  report.remedy = remedy;
  report.metrics = compute_metrics({deployment, nullptr, nullptr, memory});
  return report;
}

void drop_details(CaseReport& report) {
  clear_details(report);
}

}  // namespace moesim
