#include "reports/analysis/pareto.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "reports/analysis/quality_order.h"
#include "reports/analysis/ranking.h"
#include "reports/render/format.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

constexpr std::string_view kLoss = "predicted_loss_nats";
constexpr std::array<std::string_view, 4> kObjectives = {
    "cost_per_million_output_tokens_usd", "energy_per_output_token_j", "e2e_p99_s", kLoss};
constexpr std::size_t kMostNamed = 12;

using Values = std::vector<double>;

bool dominates(const Values& a, const Values& b) {
  bool better = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] > b[i]) return false;
    better = better || a[i] < b[i];
  }
  return better;
}

// Sorted by their values, a case can be beaten only by one before it; the front so far is enough.
std::vector<std::size_t> undominated(const std::vector<Values>& values,
                                     std::vector<std::size_t> order) {
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<std::size_t> front;
  for (const std::size_t i : order) {
    const bool beaten = std::ranges::any_of(
        front, [&](std::size_t other) { return dominates(values[other], values[i]); });
    if (!beaten) front.push_back(i);
  }
  std::ranges::sort(front);
  return front;
}

// One model throughout, say: no news.
bool is_alike(const std::vector<CaseReport>& cases, const std::string& key) {
  const std::vector<std::size_t> able = ranking(cases);
  return std::ranges::all_of(able, [&](std::size_t i) {
    return objective(cases[i], key) == objective(cases[able.front()], key);
  });
}

std::string objective_words(const ParetoFront& front, const std::vector<CaseReport>& cases) {
  std::string text;
  for (const std::string& key : front.objectives) {
    if (is_alike(cases, key)) continue;
    const bool rough = key == kLoss && front.extrapolated;
    text += (text.empty() ? "" : ", ") +
            (rough ? std::string("extrapolated loss") : metric_named(key).label);
  }
  return text;
}

// Whether the losses of all rest on like training tokens.
bool all_compare(const std::vector<CaseReport>& cases, const std::vector<std::size_t>& able) {
  const auto alike = [&](const auto& of) {
    return std::ranges::all_of(
        able, [&](std::size_t i) { return of(cases[i]) == of(cases[able.front()]); });
  };
  const auto tokens = [](const CaseReport& one) { return metric(one, "training_tokens"); };
  return alike([](const CaseReport& one) { return one.quality.tokens_assumed; }) ||
         (!able.empty() && tokens(cases[able.front()]) && alike(tokens));
}

}  // namespace

std::optional<double> objective(const CaseReport& report, const std::string& key) {
  return key == kLoss ? ranked_loss(report) : metric(report, key);
}

ParetoFront pareto_front(const std::vector<CaseReport>& cases) {
  ParetoFront front;
  const std::vector<std::size_t> able = ranking(cases);
  for (const std::string_view key : kObjectives) {
    const bool all = std::ranges::all_of(
        able, [&](std::size_t i) { return objective(cases[i], std::string(key)).has_value(); });
    const bool compares = key != kLoss || all_compare(cases, able);
    (all && compares ? front.objectives : front.left_out).emplace_back(key);
  }
  std::vector<Values> values(cases.size());
  for (const std::size_t i : able) {
    for (const std::string& key : front.objectives) values[i].push_back(*objective(cases[i], key));
    front.extrapolated = front.extrapolated || !metric(cases[i], kLoss);
    front.assumed = front.assumed || cases[i].quality.tokens_assumed;
  }
  front.members = undominated(values, able);
  return front;
}

std::string pareto_sentence(const std::vector<CaseReport>& cases) {
  const std::size_t able = ranking(cases).size();
  if (able < 2) return "";
  const ParetoFront front = pareto_front(cases);
  const std::string objectives = objective_words(front, cases);
  if (objectives.empty()) return "";
  const std::vector<std::string> paths = swept_paths(cases);
  std::string names;
  for (std::size_t i = 0; i < std::min(front.members.size(), kMostNamed); ++i) {
    names += (i == 0 ? "" : ", ") + printable(case_title(cases[front.members[i]], paths));
  }
  if (front.members.size() > kMostNamed) {
    names += fmt::format(" and {} more", front.members.size() - kMostNamed);
  }
  std::string note;
  const bool by_loss = std::ranges::count(front.objectives, kLoss) > 0;
  if (is_alike(cases, std::string(kLoss))) {
    // One model: its quality decides nothing.
  } else if (!by_loss && front.assumed) {
    note = "; quality is left out: the training tokens of some models are not published";
  } else if (by_loss && front.extrapolated) {
    note = "; the scaling law was never fitted to such models, so that quality is an order at best";
  }
  if (by_loss && front.assumed && !note.empty()) note += "; training tokens are assumed for some";
  const std::size_t count = front.members.size();
  return fmt::format(
      "{} of the {} cases that can be recommended {} beaten by no other in all of {}: {}{}.", count,
      able, count == 1 ? "is" : "are", objectives, names, note);
}

nlohmann::ordered_json to_json(const ParetoFront& front, const std::vector<CaseReport>& cases) {
  nlohmann::ordered_json members = nlohmann::ordered_json::array();
  const std::vector<std::string> paths = swept_paths(cases);
  for (const std::size_t i : front.members) {
    nlohmann::ordered_json values = nlohmann::ordered_json::object();
    for (const std::string& key : front.objectives) values[key] = *objective(cases[i], key);
    members.push_back({{"row", i}, {"case", case_title(cases[i], paths)}, {"values", values}});
  }
  return {{"objectives", front.objectives},
          {"left_out", front.left_out},
          {"quality_extrapolated", front.extrapolated},
          {"training_tokens_assumed", front.assumed},
          {"members", members}};
}

}  // namespace moesim
