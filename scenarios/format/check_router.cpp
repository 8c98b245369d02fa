// Whether a router's numbers fit each other and the model, before anything runs.
#include <fmt/format.h>

#include <algorithm>

#include "base/input_error.h"
#include "models/router/make/recorded_routing.h"
#include "models/router/recorded/gate_weights.h"
#include "models/router/tokens/calibration.h"
#include "scenarios/format/read_router.h"
#include "scenarios/format/read_value.h"

namespace moesim {
namespace {

constexpr std::int64_t kMaxOutputs = kNoExpert;

// One thing that does not add up: the key below `router:`, what it is, what would be right.
struct SchemeFault {
  std::string key;
  std::string value;
  std::string allowed;
};
using SchemeFaults = std::vector<SchemeFault>;

void check_groups(const MoeSpec& moe, SchemeFaults& faults) {
  const RouterSpec& router = moe.router;
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  if (moe.num_experts % router.num_groups != 0) {
    faults.push_back({"num_groups", number(router.num_groups),
                      fmt::format("must divide the model's {} experts", moe.num_experts)});
    return;
  }
  if (router.top_groups > router.num_groups) {
    faults.push_back({"top_groups", number(router.top_groups),
                      fmt::format("at most num_groups {}", router.num_groups)});
    return;
  }
  const std::int64_t group = moe.num_experts / router.num_groups;
  const std::int64_t open = group * router.top_groups;
  if (moe.top_k > open) {
    faults.push_back({"top_groups", number(router.top_groups),
                      fmt::format("{} groups of {} experts hold less than the top_k of {}",
                                  router.top_groups, group, moe.top_k)});
  }
  if (router.num_groups == 1) return;
  if (router.group_score == GroupScore::kSumOfTwoLargest && group < 2) {
    faults.push_back(
        {"group_score", word_of(router.group_score), "groups of at least two experts"});
  }
  const bool by_share = router.group_score == GroupScore::kSumOfKeptShare;
  if (by_share && (moe.top_k % router.top_groups != 0)) {
    faults.push_back(
        {"group_score", word_of(router.group_score),
         fmt::format("top_groups {} must divide top_k {}", router.top_groups, moe.top_k)});
  }
}

void check_rule(const MoeSpec& moe, SchemeFaults& faults) {
  const RouterSpec& router = moe.router;
  const char* rule = word_of(router.rule);
  const auto fault = [&](const std::string& why) { faults.push_back({"rule", rule, why}); };
  const bool pairs =
      router.rule == SelectionRule::kRandomSecond || router.rule == SelectionRule::kSparseMixer;
  if (pairs && moe.top_k != 2) {
    fault(fmt::format("picks two experts a token; the model's top_k is {}", moe.top_k));
  }
  if (const std::string why = serving_fault(moe); !why.empty()) fault(why);
}

void check_sizes(const MoeSpec& moe, SchemeFaults& faults) {
  const RouterSpec& router = moe.router;
  const CapacitySpec& capacity = router.capacity;
  if (moe.num_experts + router.num_zero_experts >= kMaxOutputs) {
    faults.push_back({"num_zero_experts", std::to_string(router.num_zero_experts),
                      fmt::format("less than {} experts in all, the model's {} included",
                                  kMaxOutputs, moe.num_experts)});
  }
  const bool dropless = capacity.factor == 0 && capacity.fixed == 0;
  if (dropless && (capacity.least > 0 || capacity.pad)) {
    faults.push_back({"capacity", capacity.pad ? "pad" : "least",
                      "a capacity needs a factor above zero; without one nothing is dropped"});
  }
}

// A kind of text without counts is one of its own, but one that is spelt almost like a counted one
// is a slip.
void check_domain(const ModelSpec& model, const TokenSource& tokens, SchemeFaults& faults) {
  if (tokens.domain.empty()) return;
  std::vector<std::string> known;
  for (const TextDomain& domain : routing_calibration(model).domains) {
    known.push_back(domain.name);
    known.insert(known.end(), domain.stands_for.begin(), domain.stands_for.end());
  }
  if (std::count(known.begin(), known.end(), tokens.domain) > 0) return;
  const std::string near = did_you_mean(tokens.domain, known);
  if (near.empty()) return;
  faults.push_back({"domain", tokens.domain,
                    fmt::format("did you mean {}? Counted are {}", near, comma_list(known))});
}

SchemeFaults scheme_faults(const MoeSpec& moe, const Deployment& deployment) {
  const TokenSource& tokens = deployment.tokens;
  SchemeFaults faults;
  check_groups(moe, faults);
  check_rule(moe, faults);
  check_sizes(moe, faults);
  check_domain(deployment.model, tokens, faults);
  if (tokens.policy == TokenPolicy::kTrained) {
    const std::string why = recipe_fault(moe, tokens.training);
    if (!why.empty()) faults.push_back({"training", "", why});
  }
  return faults;
}

// Reads a file once for each thing that it must match.
template <class Read>
const std::vector<Fault>& faults_of(const std::string& key, CheckedFiles& checked, Read read) {
  return made_once(checked, key, [&]() -> std::vector<Fault> {
    try {
      read();
    } catch (const InputError& e) {
      return e.faults();
    }
    return {};
  });
}

// A fault without a line is about the file as a whole, and told where the scenario names it.
void tell(const Value& value, const std::string& file, const std::vector<Fault>& faults) {
  for (const Fault& fault : faults) {
    if (fault.line > 0) {
      value.faults().add(fault);
    } else {
      std::string shown = file;
      for (const std::string& part : {fault.path, fault.value}) {
        if (!part.empty()) shown += ": " + part;
      }
      value.fault(fault.allowed, shown);
    }
  }
}

void check_files(const Value& whole, const Deployment& deployment, CheckedFiles& checked) {
  const TokenSource& tokens = deployment.tokens;
  const MoeSpec& moe = deployment.model.moe();
  const std::string sizes = fmt::format("|{}|{}|{}|{}|{}|{}", deployment.model.num_moe_layers(),
                                        deployment.model.hidden_size, moe.num_experts, moe.top_k,
                                        moe.router.num_zero_experts, moe.router.correction_bias);
  if (!tokens.trace.empty()) {
    const std::string key =
        fmt::format("{}|{}|{}{}", tokens.trace, tokens.sequences, tokens.sequence_tokens, sizes);
    tell(closest(whole, "router", "trace"), tokens.trace, faults_of(key, checked, [&] {
           read_recorded_routing(tokens.trace, deployment.model, tokens.sequence_tokens,
                                 deployment.seed, tokens.sequences);
         }));
  }
  if (!tokens.gate.empty()) {
    tell(closest(whole, "router", "gate"), tokens.gate,
         faults_of(tokens.gate + sizes, checked,
                   [&] { read_gate_weights(tokens.gate, deployment.model); }));
  }
}

}  // namespace

void check_routing(const Value& whole, const Deployment& deployment, Faults& contradictions,
                   CheckedFiles& checked) {
  if (!deployment.model.is_moe()) return;
  const std::size_t before = contradictions.all().size();
  std::vector<SchemeFault> told;
  for (const LayerSpec& layer : deployment.model.layers) {
    if (!layer.moe) continue;
    for (const SchemeFault& fault : scheme_faults(*layer.moe, deployment)) {
      const bool twice = std::any_of(told.begin(), told.end(), [&](const SchemeFault& other) {
        return other.key == fault.key && other.allowed == fault.allowed;
      });
      if (twice) continue;
      told.push_back(fault);
      const Value place = closest(whole, "router", fault.key);
      contradictions.add({place.file(), place.line(), place.path(), fault.value, fault.allowed});
    }
  }
  if (contradictions.all().size() == before) check_files(whole, deployment, checked);
}

}  // namespace moesim
