// The result of one case as plain values: what a child process sends home and every output renders.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardware/spec/device.h"
#include "reports/metrics/metric.h"
#include "reports/results/case_quality.h"
#include "reports/results/case_routing.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"
#include "sim/results/summary.h"

namespace moesim {

enum class CaseStatus {
  kDone,
  kInfeasible,  // Cannot run: `reason` says why, `remedy` what would.
  kSkipped,     // Interrupted before it ran.
  kFailed,      // Its simulation ended without a result: `reason` says why.
};

// The name that every output writes: "done", "infeasible", "skipped", "failed".
std::string_view status_name(CaseStatus status);
// Requires: one of the names.
CaseStatus status_named(std::string_view name);

inline constexpr double kDefaultConfidence = 0.9;

struct CaseReport {
  std::string name;                                        // Case name in the scenario.
  std::vector<std::pair<std::string, std::string>> point;  // Sweep settings: path -> value.
  CaseStatus status = CaseStatus::kDone;
  std::string reason;
  std::string remedy;
  std::string model;     // "mixtral-8x7b"
  std::string hardware;  // "1 x dgx-h100 (8 x h100-sxm-80gb)"
  std::string layout;    // "tp 8", "attention dp 16, ep 16"
  bool is_moe = false;
  std::vector<std::string> not_modelled;  // What the model has and the numbers leave out.
  std::string twin_of;     // The case that this one is a dense twin of; empty = none ...
  std::string twin_match;  // ... and what they have in common: active, total, memory, quality.
  CaseMetrics metrics;
  // The same case with everything uncertain sampled anew, as often as it was asked for; empty where
  // a sample could not run. Sample i of every case of a report is the same sample.
  std::vector<CaseMetrics> samples;
  // Share of the samples in which it must keep its SLO to be recommended.
  double confidence = kDefaultConfidence;
  // Latencies at percentiles 0, 1, ..., 100, and requests inside over time; empty if there are
  // none.
  std::vector<double> ttft_curve_s, tpot_curve_s, e2e_curve_s;
  std::vector<QueuePoint> queue;
  NetworkSummary network;
  CaseRouting routing;  // Empty for a dense model.
  CaseQuality quality;
  std::vector<std::string>
      notes;                // On the reading of its files: what was not used, a sentence each.
  std::vector<Fact> facts;  // Every number of the profiles used, with source and confidence.
  // The same case with a baseline in place of its router, for comparison; never nested.
  std::vector<CaseReport> baselines;
};

// Value of a metric; nothing if absent.
std::optional<double> metric(const CaseReport& report, Metric key);

// All metrics of a finished case, money and carbon included. `bank` = what routed its tokens; null
// for a dense model.
CaseReport make_case_report(const Deployment& deployment, const Workload& workload,
                            const Summary& summary, const RoutingBank* bank = nullptr);
// A case whose memory does not fit: the memory metrics are there, the others absent.
CaseReport make_infeasible_report(const Deployment& deployment, const MemoryLedger& memory,
                                  const std::string& reason, const std::string& remedy);

// Clears the fields of Place::kDetail (reports/results/case_fields.h): curves, queues, loads by
// expert, matrices.
void drop_details(CaseReport& report);

}  // namespace moesim
