#include "scenarios/run/write_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/input_error.h"
#include "models/router/make/bank_cache.h"
#include "reports/render/json/timeline_json.h"
#include "reports/results/report.h"
#include "scenarios/run/child_pool.h"
#include "scenarios/run/run.h"
#include "sim/deployment/expert_memory.h"
#include "sim/serving/run_case.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostSteps = 1'000'000'000;

std::optional<std::int64_t> count_in(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value >= 0 && value <= kMostSteps ? std::optional(value) : std::nullopt;
}

std::string traced(const Case& planned, std::int64_t index, const TraceOptions& options,
                   std::size_t bytes, const ProgressSink& progress) {
  const Deployment& deployment = planned.deployment;
  std::optional<RoutingBank> bank;
  if (deployment.model.is_moe()) {
    bank = cached_routing_bank(deployment.model, deployment.tokens, deployment.seed);
  }
  const RoutingBank* routed = bank ? &*bank : nullptr;
  nlohmann::ordered_json json;
  const std::vector<MemoryLedger> ledgers = pool_ledgers(deployment, routed);
  if (!std::all_of(ledgers.begin(), ledgers.end(), [](const auto& pool) { return pool.fits(); })) {
    json["shown"] =
        nlohmann::ordered_json{{"case", row_title(planned)}, {"note", "does not fit into memory"}}
            .dump();
    json["events"] = "";
    return json.dump();
  }
  const TimelineRequest request{options.steps, options.or_latest,
                                static_cast<std::int64_t>(bytes / kEventBytes)};
  const TraceCase traced_case =
      trace_case(row_title(planned),
                 record_timeline(deployment, ledgers, *planned.workload, routed, request, progress),
                 request, deployment, index, bytes);
  json["shown"] = traced_case.shown;
  json["events"] = traced_case.events;
  return json.dump();
}

}  // namespace

StepWindow step_window(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto first = count_in(text.substr(0, colon));
  const auto last = colon == std::string::npos ? std::nullopt : count_in(text.substr(colon + 1));
  if (!first || !last || *first >= *last) {
    throw InputError({{"--trace-steps", 0, "", text,
                       "first step and the one after the last expected, e.g. 100:132"}});
  }
  return {*first, *last};
}

std::string trace_of(const Scenario& scenario, const TraceOptions& options, int jobs,
                     const std::function<void(double, std::size_t)>& progress) {
  std::vector<Case> cases;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < scenario.rows.size(); ++i) {
    if (!scenario.rows[i].baseline_of.empty() || !scenario.rows[i].infeasible.empty()) continue;
    if (cases.size() < kMostTracedCases) {
      cases.push_back(whole_case(scenario, i));
    } else {
      ++left_out;
    }
  }
  std::vector<TraceCase> traced_cases(cases.size());
  const std::size_t bytes = kMostTraceBytes / std::max<std::size_t>(1, cases.size());
  ChildJobs children;
  children.count = cases.size();
  children.at_once = jobs;
  children.work = [&](std::size_t i, const ProgressSink& sink) {
    return traced(cases[i], static_cast<std::int64_t>(i), options, bytes, sink);
  };
  children.finished = [&](std::size_t i, const std::string& result) {
    auto json = nlohmann::ordered_json::parse(result);
    traced_cases[i] = {std::move(json["events"].get_ref<std::string&>()), json["shown"]};
  };
  children.failed = [&](std::size_t i, std::exception_ptr why) {
    try {
      std::rethrow_exception(why);
    } catch (const std::exception& error) {
      const nlohmann::ordered_json shown = {{"case", row_title(cases[i])},
                                            {"note", std::string("failed: ") + error.what()}};
      traced_cases[i].shown = shown.dump();
    }
  };
  children.progress = progress;
  if (!run_children(children)) return "";
  nlohmann::ordered_json context;
  context["program"] = fmt::format("moesim {}", program_version());
  context["scenario"] = scenario.name;
  context["seed"] = scenario.seed;
  if (left_out > 0) {
    context["note"] =
        fmt::format("the first {} cases; {} more are left out", cases.size(), left_out);
  }
  return trace_json(traced_cases, std::move(context));
}

}  // namespace moesim
