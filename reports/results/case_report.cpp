#include "reports/results/case_report.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "reports/results/case_network.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 3> kStatusNames = {"done", "infeasible", "skipped"};

CaseStatus status_from_name(const std::string& name) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i)
    if (name == kStatusNames[i]) return static_cast<CaseStatus>(i);
  throw std::logic_error("no case status " + name);
}

std::string hardware_text(const ClusterSpec& cluster) {
  const NodeSpec& node = cluster.node;
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
  std::vector<Fact> facts;
  for (const std::vector<Fact>* part :
       {&device.facts, &device.family.facts, &device.link_technology.facts, &node.facts,
        &node.nic_technology.facts, &deployment.cluster.fabric.facts, &deployment.site.facts,
        &deployment.error.facts, &deployment.serving.facts, &deployment.faults.facts}) {
    for (const Fact& fact : *part) facts.push_back(fact);
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
  report.quality = quality_of(deployment);
  report.facts = facts_of(deployment);
  for (const Fact& fact : quality_facts(deployment)) report.facts.push_back(fact);
  return report;
}

// Every output relies on it: no number is NaN or infinite.
double finite(double value, const std::string& key) {
  if (!std::isfinite(value)) throw std::logic_error("metric " + key + " is not finite");
  return value;
}

CaseMetrics compute_metrics(const MetricInput& input) {
  CaseMetrics values;
  values.reserve(metric_table().size());
  for (const Metric& entry : metric_table()) {
    std::optional<double> value = entry.compute(input);
    if (value) value = finite(*value, entry.key);
    values.push_back(value);
  }
  return values;
}

void check_finite(const std::vector<std::vector<double>>& grid, const std::string& key) {
  for (const std::vector<double>& row : grid)
    for (const double value : row) finite(value, key);
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

// Columns, not points: shorter, and easy to plot.
Json queue_json(const std::vector<QueuePoint>& queue) {
  Json json = {{"time_s", Json::array()}, {"waiting", Json::array()}, {"running", Json::array()}};
  for (const QueuePoint& point : queue) {
    json["time_s"].push_back(point.time.value());
    json["waiting"].push_back(point.waiting);
    json["running"].push_back(point.running);
  }
  return json;
}

std::vector<QueuePoint> queue_from_json(const Json& json) {
  std::vector<QueuePoint> queue;
  for (std::size_t i = 0; i < json.at("time_s").size(); ++i)
    queue.push_back({Seconds(json.at("time_s")[i]), json.at("waiting")[i], json.at("running")[i]});
  return queue;
}

}  // namespace

std::string_view status_name(CaseStatus status) {
  return kStatusNames[static_cast<std::size_t>(status)];
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
  for (auto* curve : {&report.ttft_curve_s, &report.tpot_curve_s, &report.e2e_curve_s})
    curve->clear();
  report.queue.clear();
  report.routing.load.clear();
  report.routing.dispatch_bytes.clear();
  report.routing.periods.clear();
  report.routing.training.clear();
}

Json to_json(const Fact& fact) {
  return {{"path", fact.path},
          {"text", fact.text},
          {"source", fact.source},
          {"confidence", fact.confidence}};
}

Json to_json(const CaseMetrics& metrics) {
  Json json = Json::object();
  for (std::size_t i = 0; i < metrics.size(); ++i)
    json[metric_table()[i].key] = metrics[i] ? Json(*metrics[i]) : Json(nullptr);
  return json;
}

CaseMetrics case_metrics_from_json(const Json& json) {
  CaseMetrics metrics;
  if (json.empty()) return metrics;
  for (const Metric& entry : metric_table()) {
    const Json& value = json.at(entry.key);
    metrics.push_back(value.is_null() ? std::nullopt : std::optional<double>(value.get<double>()));
  }
  return metrics;
}

Json to_json(const CaseReport& report) {
  Json json;
  json["name"] = report.name;
  json["point"] = Json::object();
  for (const auto& [path, value] : report.point) json["point"][path] = value;
  json["status"] = status_name(report.status);
  json["reason"] = report.reason;
  json["remedy"] = report.remedy;
  json["model"] = report.model;
  json["hardware"] = report.hardware;
  json["layout"] = report.layout;
  json["is_moe"] = report.is_moe;
  json["twin_of"] = report.twin_of;
  json["twin_match"] = report.twin_match;
  json["metrics"] = to_json(report.metrics);
  json["network"] = to_json(report.network);
  json["quality"] = to_json(report.quality);
  json["routing"] = to_json(report.routing);
  json["ttft_curve_s"] = report.ttft_curve_s;
  json["tpot_curve_s"] = report.tpot_curve_s;
  json["e2e_curve_s"] = report.e2e_curve_s;
  json["queue"] = queue_json(report.queue);
  json["facts"] = Json::array();
  for (const Fact& fact : report.facts) json["facts"].push_back(to_json(fact));
  json["baselines"] = Json::array();
  for (const CaseReport& one : report.baselines) json["baselines"].push_back(to_json(one));
  return json;
}

CaseReport case_report_from_json(const Json& json) {
  CaseReport report;
  report.name = json.at("name");
  for (const auto& [path, value] : json.at("point").items()) report.point.emplace_back(path, value);
  report.status = status_from_name(json.at("status"));
  report.reason = json.at("reason");
  report.remedy = json.at("remedy");
  report.model = json.at("model");
  report.hardware = json.at("hardware");
  report.layout = json.at("layout");
  report.is_moe = json.at("is_moe");
  report.twin_of = json.at("twin_of");
  report.twin_match = json.at("twin_match");
  report.metrics = case_metrics_from_json(json.at("metrics"));
  report.network = network_from_json(json.at("network"));
  report.quality = case_quality_from_json(json.at("quality"));
  report.routing = case_routing_from_json(json.at("routing"));
  report.ttft_curve_s = json.at("ttft_curve_s").get<std::vector<double>>();
  report.tpot_curve_s = json.at("tpot_curve_s").get<std::vector<double>>();
  report.e2e_curve_s = json.at("e2e_curve_s").get<std::vector<double>>();
  report.queue = queue_from_json(json.at("queue"));
  for (const Json& fact : json.at("facts"))
    report.facts.push_back(
        {fact.at("path"), fact.at("text"), fact.at("source"), fact.at("confidence")});
  for (const Json& one : json.at("baselines"))
    report.baselines.push_back(case_report_from_json(one));
  return report;
}

}  // namespace moesim
