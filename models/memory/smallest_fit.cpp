// The fewest devices that hold a model: tried out with the same ledger that reports the shortfall.
#include <fmt/format.h>

#include <algorithm>

#include "models/memory/memory_ledger.h"
#include "models/spec/model_formats.h"

namespace moesim {
namespace {

constexpr std::int64_t kMostDevices = 1024;

bool fits(const ModelSpec& model, const FittingPlan& candidate, const EngineMemoryRules& rules,
          const DeviceSpec& device, std::int64_t kv_tokens) {
  if (!plan_faults(candidate.plan, model, candidate.plan.total_ranks(), 0).empty()) return false;
  return memory_ledger(model, candidate.plan, candidate.dtypes, rules, device, {}).holds(kv_tokens);
}

// Attention over tp x attention_dp ranks a stage; experts over all of them, whole if they divide.
std::vector<ParallelPlan> stage_plans(const ModelSpec& model, const ParallelPlan& base) {
  if (!model.is_moe()) return {base};
  ParallelPlan by_expert = base;
  by_expert.ep = base.stage_ranks();
  ParallelPlan by_width = base;
  by_width.moe_tp = base.stage_ranks();
  if (base.stage_ranks() == 1) return {by_expert};
  return {by_expert, by_width};
}

// Plans for `devices`, the preferred ones first: wide tp, then pipeline stages, then attention DP
// (which a dense model gains nothing from).
std::vector<ParallelPlan> plans_for(const ModelSpec& model, const DeviceSpec& device,
                                    std::int64_t devices) {
  const std::int64_t widest = std::max<std::int64_t>(device.link_domain, 1);
  std::vector<ParallelPlan> plans;
  for (std::int64_t dp = 1; dp <= (model.is_moe() ? devices : 1); dp *= 2) {
    for (std::int64_t pp = 1; pp * dp <= devices; pp *= 2) {
      ParallelPlan base;
      base.tp = devices / (dp * pp);
      base.pp = pp;
      base.attention_dp = dp;
      if (base.tp > widest) continue;
      for (const ParallelPlan& plan : stage_plans(model, base)) plans.push_back(plan);
    }
  }
  return plans;
}

std::string words(const ModelSpec& model, const FittingPlan& fit) {
  const ParallelPlan& plan = fit.plan;
  const std::int64_t devices = plan.total_ranks();
  std::string text = fmt::format("{} device{}", devices, devices == 1 ? "" : "s");
  if (devices == 1) return text;
  text += fmt::format(" (tp {}", plan.tp);
  if (plan.attention_dp > 1) text += fmt::format(", attention_dp {}", plan.attention_dp);
  if (plan.pp > 1) text += fmt::format(", pp {}", plan.pp);
  if (model.is_moe() && plan.ep > 1) text += fmt::format(", experts over ep {}", plan.ep);
  if (model.is_moe() && plan.moe_tp > 1)
    text += fmt::format(", experts over moe_tp {}", plan.moe_tp);
  return text + ")";
}

}  // namespace

std::optional<std::int64_t> fitting_max_num_seqs(const ModelSpec& model, const FittingPlan& plan,
                                                 EngineMemoryRules rules, const DeviceSpec& device,
                                                 const ExpertShare& experts,
                                                 std::int64_t kv_tokens) {
  std::int64_t fits = 0;
  std::int64_t too_many = rules.max_num_seqs;
  while (too_many - fits > 1) {
    rules.max_num_seqs = fits + (too_many - fits) / 2;
    const bool does =
        memory_ledger(model, plan.plan, plan.dtypes, rules, device, experts).holds(kv_tokens);
    (does ? fits : too_many) = rules.max_num_seqs;
  }
  if (fits == 0) return std::nullopt;
  return fits;
}

std::optional<FittingPlan> smallest_fitting_plan(const ModelSpec& model, const DtypePlan& dtypes,
                                                 const EngineMemoryRules& rules,
                                                 const DeviceSpec& device, std::int64_t kv_tokens) {
  for (std::int64_t devices = 1; devices <= kMostDevices; devices *= 2) {
    for (const ParallelPlan& plan : plans_for(model, device, devices)) {
      const FittingPlan candidate{plan, dtypes};
      if (fits(model, candidate, rules, device, kv_tokens)) return candidate;
    }
  }
  return std::nullopt;
}

std::optional<std::string> smallest_fit(const ModelSpec& model, const DtypePlan& dtypes,
                                        const EngineMemoryRules& rules, const DeviceSpec& device,
                                        std::int64_t kv_tokens) {
  const auto as_given = smallest_fitting_plan(model, dtypes, rules, device, kv_tokens);
  std::string text = as_given ? words(model, *as_given) : "";
  std::int64_t fewest = as_given ? as_given->plan.total_ranks() : kMostDevices + 1;
  for (const FormatName narrow : {FormatName::kFp8, FormatName::kInt4}) {
    const auto narrower = narrowed(model, narrow);
    if (!narrower) continue;
    const auto fit = smallest_fitting_plan(*narrower, dtypes, rules, device, kv_tokens);
    if (!fit || fit->plan.total_ranks() >= fewest) continue;
    fewest = fit->plan.total_ranks();
    text += fmt::format("{}{} weights on {}", text.empty() ? "" : " or ", word_of(narrow),
                        words(model, *fit));
  }
  if (text.empty()) return std::nullopt;
  return text;
}

}  // namespace moesim
