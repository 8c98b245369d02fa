#include "reports/render/words/verdict_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "reports/analysis/quality_order.h"
#include "reports/analysis/ranking.h"
#include "reports/analysis/verdict.h"
#include "reports/render/words/case_result.h"
#include "reports/render/words/driver_words.h"
#include "reports/render/words/format.h"
#include "reports/render/words/quality_words.h"
#include "reports/render/words/uncertainty_words.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostExclusions = 3;
constexpr std::size_t kLongestName = 24;  // Longer ones are "the first" when named again.

// What a figure says of a case: "costs 0.21 USD per million output tokens".
std::string figure(const CaseReport& report, Metric key) {
  if (key == Metric::kEnergyPerOutputToken)
    return "uses " + readable_metric(report, key) + " per output token";
  return "costs " + readable_metric(report, key) + " per million output tokens";
}

// A disqualification_kind() of one case, said of several.
std::string said_of(int count, const std::string& kind) {
  if (count == 1) return kind;
  if (kind.starts_with("misses its")) return "miss their service level";
  if (kind.starts_with("is ")) return "are " + kind.substr(std::string("is ").size());
  if (kind.starts_with("rejects")) return "reject" + kind.substr(std::string("rejects").size());
  return kind;
}

class Sentence {
 public:
  explicit Sentence(const Report& report)
      : cases_(report.cases), paths_(swept_paths(cases_)), verdict_(judge(cases_)) {}

  std::string text() const {
    if (cases_.empty()) return "There is nothing to compare: the report has no case.";
    if (cases_.size() == 1) return alone() + ".";
    if (verdict_.order.empty()) return "No case can be recommended: " + excluded() + safest() + ".";
    const std::string outside = excluded();
    return (verdict_.duel ? comparison() + energy() + quality() : only_one()) + unsure() +
           elsewhere() + (outside.empty() ? "" : "; " + outside) + ".";
  }

 private:
  std::string title(std::size_t i) const { return printable(case_title(cases_[i], paths_)); }
  std::string figure_of(std::size_t i) const { return figure(cases_[i], verdict_.metric); }
  bool by_energy() const { return verdict_.metric == Metric::kEnergyPerOutputToken; }
  std::size_t first() const { return verdict_.order[0]; }

  std::string alone() const {
    const std::string why = disqualification_text(cases_[0]);
    if (!why.empty()) return title(0) + " " + why;
    return fmt::format("{} {} at {}; there is no other case to compare it with", title(0),
                       figure_of(0), readable_metric(cases_[0], Metric::kOutputTokensPerSecond));
  }

  // Cheaper is not as good and cheaper: how the two compared would answer, and who would answer
  // better than the winner if neither of them does.
  std::string quality() const {
    const std::size_t second = verdict_.duel->rival;
    const std::size_t best = verdict_.best_quality.value_or(first());
    const std::string name = again(first(), "the first");
    const std::string pair =
        quality_clause(cases_[first()], name, cases_[second], again(second, "the second"));
    if (best == first() || best == second) return pair.empty() ? "" : "; " + pair;
    // Who is better for certain says more than what the law cannot tell.
    if (quality_order(cases_[first()], cases_[second]) == QualityOrder::kUndecided ||
        pair.empty()) {
      return fmt::format("; {}, and {}",
                         quality_clause(cases_[first()], name, cases_[best], title(best)),
                         figure_of(best));
    }
    return fmt::format("; {}; {} is predicted to answer better, loss {}, and {}", pair, title(best),
                       loss_text(cases_[best]), figure_of(best));
  }

  // What a case is called when it is named again.
  std::string again(std::size_t i, const char* otherwise) const {
    const std::string name = title(i);
    return name.size() <= kLongestName ? name : std::string(otherwise);
  }

  // The cheapest need not burn least: who does.
  std::string energy() const {
    if (!verdict_.least_energy) return "";
    constexpr Metric kEnergy = Metric::kEnergyPerOutputToken;
    return fmt::format("; {} uses the least energy, {} per output token against {}",
                       title(*verdict_.least_energy),
                       readable_metric(cases_[*verdict_.least_energy], kEnergy),
                       readable_metric(cases_[first()], kEnergy));
  }

  // What may yet miss its SLO, among the cases that the sentence compares.
  std::string unsure() const {
    std::vector<std::size_t> named = {first()};
    if (verdict_.duel) named.push_back(verdict_.duel->rival);
    std::string text;
    for (const std::size_t i : named) {
      const auto slo = slo_samples(cases_[i]);
      if (!slo) continue;
      text += fmt::format("; {} meets its service level in {} of {} samples", title(i), slo->met,
                          slo->samples);
    }
    return text;
  }

  // Who keeps its SLO most often, of several that do so too rarely.
  std::string safest() const {
    std::optional<std::size_t> best;
    SloSamples most;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const auto slo = slo_samples(cases_[i]);
      if (disqualification(cases_[i]) != Disqualification::kUnsafe || slo->met <= most.met)
        continue;
      best = i;
      most = *slo;
    }
    if (!best || cases_.size() <= kMostExclusions) return "";
    return fmt::format("; the safest is {}, which keeps its service level in {} of {} samples",
                       title(*best), most.met, most.samples);
  }

  std::string only_one() const {
    return fmt::format("{} is the only case that can be recommended{}: it {}", title(first()),
                       verdict_.able > 1 ? " at its workload" : "", figure_of(first()));
  }

  // At which of the swept workloads the sentence is.
  std::string elsewhere() const {
    if (verdict_.able == verdict_.order.size()) return "";
    const std::vector<std::string> names = short_paths(paths_);
    std::string where;
    for (std::size_t p = 0; p < paths_.size(); ++p) {
      const std::string value = setting(cases_[first()], paths_[p]);
      if (!paths_[p].starts_with("workload.") || value.empty()) continue;
      where += fmt::format("{}{} {}", where.empty() ? "" : ", ", names[p], value);
    }
    return fmt::format(
        "; this holds at {}, where the best {} least: the other rows serve other workloads",
        where.empty() ? "the workload as given" : printable(where), by_energy() ? "uses" : "costs");
  }

  std::string comparison() const {
    const Duel& duel = *verdict_.duel;
    if (duel.lead == Lead::kEqual) return equal(duel);
    if (duel.lead == Lead::kTie) return tie(duel);
    return fmt::format("{} {} against {} for {}: {}{}", title(first()), figure_of(first()),
                       readable_metric(cases_[duel.rival], verdict_.metric), title(duel.rival),
                       driver_text(duel.driver),
                       by_energy() ? " (compared by energy: not every case has a price)" : "");
  }

  std::string tie(const Duel& duel) const {
    return fmt::format(
        "{} and {} are a tie: the first {} ({}) against {} ({}), but the ranking "
        "flips in {} of {} Monte Carlo samples",
        title(first()), title(duel.rival), figure_of(first()),
        readable_interval(cases_[first()], verdict_.metric),
        readable_metric(cases_[duel.rival], verdict_.metric),
        readable_interval(cases_[duel.rival], verdict_.metric), duel.contest.turned,
        duel.contest.samples);
  }

  std::string equal(const Duel& duel) const {
    const std::string head = fmt::format("{} and {} are equal within 1 %: each {}", title(first()),
                                         title(duel.rival), figure_of(first()));
    if (!duel.tie_break) return head;
    const auto& [key, winner, loser] = *duel.tie_break;
    const std::string figures =
        readable_metric(cases_[winner], key) + " against " + readable_metric(cases_[loser], key);
    return head + (key == Metric::kEnergyPerOutputToken
                       ? fmt::format(", but {} uses {} per output token", title(winner), figures)
                       : fmt::format(", but {} emits {} of CO2e per million output tokens",
                                     title(winner), figures));
  }

  // What keeps the others from winning, one by one if they are few.
  std::string excluded() const {
    if (cases_.size() - verdict_.able > kMostExclusions) return excluded_counts();
    std::string text;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const std::string why = disqualification_text(cases_[i]);
      if (!why.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : "; ", title(i), why);
    }
    return text;
  }

  std::string excluded_counts() const {
    std::map<std::string, int> counts;
    for (const CaseReport& report : cases_) {
      const std::string kind = disqualification_kind(report);
      if (!kind.empty()) ++counts[kind];
    }
    std::string text;
    for (const auto& [kind, count] : counts)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, said_of(count, kind));
    const std::size_t out = cases_.size() - verdict_.able;
    if (counts.size() == 1)
      return fmt::format("{} of {} rows {}", out, cases_.size(),
                         said_of(counts.begin()->second, counts.begin()->first));
    return fmt::format("{} of {} rows are out: {}", out, cases_.size(), text);
  }

  const std::vector<CaseReport>& cases_;
  std::vector<std::string> paths_;
  Verdict verdict_;
};

// Those of all cases, each once.
std::string notes_text(const std::vector<CaseReport>& cases) {
  std::set<std::string> said;
  std::string text;
  for (const CaseReport& report : cases) {
    for (const std::string& note : report.notes) {
      if (said.insert(note).second) text += " " + note;
    }
  }
  return text;
}

}  // namespace

std::string verdict_text(const Report& report) {
  const std::string interrupted =
      report.interrupted ? " The run was interrupted: what had not run by then is missing, and so "
                           "are the intervals that need all samples."
                         : "";
  return Sentence(report).text() + interrupted + notes_text(report.cases);
}

}  // namespace moesim
