#include "scenarios/sweep/point_filter.h"

#include <set>

#include "scenarios/format/keys/plain_number.h"
#include "scenarios/sweep/paths.h"

namespace moesim {
PointFilter::PointFilter(const Sweep& sweep, const YAML::Node& root, const std::string& file,
                         Faults& faults)
    : conditions_(sweep.where), file_(file), faults_(faults) {
  for (const SweepAxis& axis : sweep.axes) {
    for (const SweptPath& path : axis.paths) paths_.push_back(path.path);
  }
  for (const Condition& condition : conditions_) {
    std::set<std::string> owners;
    for (const std::string& name : condition.names) {
      if (const std::string owner = case_of_path(root, name); !owner.empty()) owners.insert(owner);
    }
    if (owners.size() > 1) {
      refuse(condition, condition.text, "paths of one case: a condition cannot compare cases");
    }
    owners_.push_back(owners.empty() ? "" : *owners.begin());
  }
}

bool PointFilter::passes(const std::string& name, const YAML::Node& root,
                         const Deployment& deployment) {
  bool passes = true;
  const auto plan = conditions_.empty() ? Numbers{} : plan_numbers(deployment);
  for (std::size_t c = 0; c < conditions_.size(); ++c) {
    const Condition& condition = conditions_[c];
    if (!owners_[c].empty() && owners_[c] != name) continue;
    const std::size_t before = faults_.all().size();
    const auto truth = holds(
        condition, [&](const std::string& word) { return number_of(condition, word, plan, root); });
    if (!truth && faults_.all().size() == before) {
      refuse(condition, condition.text, "no division by zero: there is one at some point");
    }
    passes = passes && truth.value_or(true);
  }
  return passes;
}

std::optional<double> PointFilter::number_of(const Condition& condition, const std::string& word,
                                             const Numbers& plan, const YAML::Node& root) {
  std::vector<std::string> known = paths_;
  for (const auto& [name, number] : plan) {
    if (name == word) return number;
    known.push_back(name);
  }
  const auto node = node_at(root, word);
  const auto number = node && node->IsScalar() ? plain_number(node->Scalar()) : std::nullopt;
  if (number) return number;
  const std::string near = did_you_mean(word, known);
  refuse(
      condition, word,
      node ? "a path to a plain number expected"
           : "a path that the scenario has, or a number of the plan; " +
                 (near.empty() ? "there are " + comma_list(known) : "did you mean " + near + "?"));
  return std::nullopt;
}

void PointFilter::refuse(const Condition& condition, const std::string& shown,
                         const std::string& allowed) {
  faults_.add({file_, condition.line, "sweep.where", shown, allowed});
}

}  // namespace moesim
