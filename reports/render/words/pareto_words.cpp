#include "reports/render/words/pareto_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/analysis/pareto.h"
#include "reports/render/words/format.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostNamed = 12;

std::string objective_words(const ParetoFront& front) {
  std::string text;
  for (const Metric key : front.telling) {
    const bool rough = key == Metric::kPredictedLoss && front.extrapolated;
    text += (text.empty() ? "" : ", ") +
            (rough ? std::string("extrapolated loss") : metric_row(key).label);
  }
  return text;
}

// How far the quality can be trusted. Of one model throughout it decides nothing.
std::string quality_note(const ParetoFront& front) {
  if (!front.quality_differs) return "";
  if (!front.has(Metric::kPredictedLoss)) {
    return front.assumed
               ? "; quality is left out: the training tokens of some models are not published"
               : "";
  }
  if (!front.extrapolated) return "";
  return std::string(
             "; the scaling law was never fitted to such models, so that quality is an order at "
             "best") +
         (front.assumed ? "; training tokens are assumed for some" : "");
}

}  // namespace

std::string pareto_sentence(const std::vector<CaseReport>& cases) {
  const ParetoFront front = pareto_front(cases);
  const std::string objectives = objective_words(front);
  if (front.able < 2 || objectives.empty()) return "";
  const std::vector<std::string> paths = swept_paths(cases);
  std::string names;
  for (std::size_t i = 0; i < std::min(front.members.size(), kMostNamed); ++i) {
    names += (i == 0 ? "" : ", ") + printable(case_title(cases[front.members[i]], paths));
  }
  if (front.members.size() > kMostNamed) {
    names += fmt::format(" and {} more", front.members.size() - kMostNamed);
  }
  const std::size_t count = front.members.size();
  return fmt::format(
      "{} of the {} cases that can be recommended {} beaten by no other in all of {}: {}{}.", count,
      front.able, count == 1 ? "is" : "are", objectives, names, quality_note(front));
}

}  // namespace moesim
