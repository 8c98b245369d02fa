#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/analysis/doubt.h"
#include "reports/analysis/drivers.h"
#include "reports/analysis/quality_order.h"
#include "reports/analysis/ranking.h"
#include "reports/render/format.h"
#include "reports/render/report.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

// Below this relative difference two figures count as equal: the model is not finer than that.
constexpr double kTie = 0.01;
constexpr std::size_t kMostExclusions = 3;
constexpr std::size_t kLongestName = 24;  // Longer ones are "the first" when named again.

bool tied(double a, double b) {
  return std::abs(a - b) <= kTie * std::max(a, b);
}

// What a figure says of a case: "costs 0.21 USD per million output tokens".
std::string figure(const CaseReport& report, std::string_view key) {
  if (key == "energy_per_output_token_j")
    return "uses " + readable_metric(report, key) + " per output token";
  return "costs " + readable_metric(report, key) + " per million output tokens";
}

// The best case of another name, so that a sweep compares designs and not neighbouring points.
std::size_t rival_of(const std::vector<CaseReport>& cases, const std::vector<std::size_t>& order) {
  for (const std::size_t i : order)
    if (cases[i].name != cases[order[0]].name) return i;
  return order[1];
}

// A disqualification_kind() of one case, said of several.
std::string said_of(int count, const std::string& kind) {
  if (count == 1) return kind;
  if (kind.starts_with("misses its")) return "miss their service level";
  if (kind.starts_with("is saturated")) return "are saturated";
  if (kind.starts_with("rejects")) return "reject" + kind.substr(std::string("rejects").size());
  return kind;
}

class Sentence {
 public:
  explicit Sentence(const Report& report)
      : cases_(report.cases), paths_(swept_paths(cases_)), order_(ranking(cases_)) {
    able_ = order_.size();
    if (able_ == 0) return;
    const WorkloadPoint best = workload_point(cases_[order_[0]]);
    std::erase_if(order_, [&](std::size_t i) { return workload_point(cases_[i]) != best; });
  }

  std::string text() const {
    if (cases_.empty()) return "There is nothing to compare: the report has no case.";
    if (cases_.size() == 1) return alone() + ".";
    if (order_.empty()) return "No case can be recommended: " + excluded() + ".";
    const std::string outside = excluded();
    return (order_.size() == 1 ? only_one() : comparison() + energy() + quality()) + unsure() +
           elsewhere() + (outside.empty() ? "" : "; " + outside) + ".";
  }

 private:
  std::string title(std::size_t i) const { return printable(case_title(cases_[i], paths_)); }

  std::string key() const { return std::string(ranking_key(cases_)); }

  std::string alone() const {
    const std::string why = disqualification(cases_[0]);
    if (!why.empty()) return title(0) + " " + why;
    return fmt::format("{} {} at {}; there is no other case to compare it with", title(0),
                       figure(cases_[0], key()), readable_metric(cases_[0], "output_tokens_per_s"));
  }

  // Cheaper is not as good and cheaper: how the two compared would answer, and who would answer
  // better than the winner if neither of them does.
  std::string quality() const {
    const std::size_t first = order_[0], second = rival_of(cases_, order_);
    const std::string name = again(first, "the first");
    const std::string pair =
        quality_clause(cases_[first], name, cases_[second], again(second, "the second"));
    const std::size_t best = best_answers();
    if (best == first || best == second) return pair.empty() ? "" : "; " + pair;
    // Who is better for certain says more than what the law cannot tell.
    if (quality_order(cases_[first], cases_[second]) == QualityOrder::kUndecided || pair.empty()) {
      return fmt::format("; {}, and {}",
                         quality_clause(cases_[first], name, cases_[best], title(best)),
                         figure(cases_[best], key()));
    }
    return fmt::format("; {}; {} is predicted to answer better, loss {}, and {}", pair, title(best),
                       loss_text(cases_[best]), figure(cases_[best], key()));
  }

  // What a case is called when it is named again.
  std::string again(std::size_t i, const char* otherwise) const {
    const std::string name = title(i);
    return name.size() <= kLongestName ? name : std::string(otherwise);
  }

  // The least predicted loss of those that are better than the winner beyond the law's doubt; the
  // winner itself if none is.
  std::size_t best_answers() const {
    std::size_t best = order_[0];
    for (const std::size_t i : order_) {
      if (quality_order(cases_[order_[0]], cases_[i]) != QualityOrder::kSecond) continue;
      if (*ranked_loss(cases_[i]) < *ranked_loss(cases_[best])) best = i;
    }
    return best;
  }

  // The cheapest need not burn least: who does, where it is neither a tie nor said already.
  std::string energy() const {
    constexpr const char* kEnergy = "energy_per_output_token_j";
    if (key() == kEnergy) return "";
    const auto joules = [&](std::size_t i) { return metric(cases_[i], kEnergy); };
    if (std::ranges::any_of(order_, [&](std::size_t i) { return !joules(i); })) return "";
    const std::size_t first = order_[0];
    const std::size_t least =
        *std::ranges::min_element(order_, {}, [&](std::size_t i) { return *joules(i); });
    if (tied(*joules(least), *joules(first)) ||
        contest(cases_[least], cases_[first], kEnergy).is_tie())
      return "";
    return fmt::format("; {} uses the least energy, {} per output token against {}", title(least),
                       readable_metric(cases_[least], kEnergy),
                       readable_metric(cases_[first], kEnergy));
  }

  // What may yet miss its service level, among the cases that the sentence compares.
  std::string unsure() const {
    std::vector<std::size_t> named = {order_[0]};
    if (order_.size() > 1) named.push_back(rival_of(cases_, order_));
    std::string text;
    for (const std::size_t i : named) {
      const auto met = service_level_draws(cases_[i]);
      if (!met) continue;
      text += fmt::format("; {} meets its service level in {} of {} draws", title(i), met->first,
                          met->second);
    }
    return text;
  }

  std::string only_one() const {
    return fmt::format("{} is the only case that can be recommended{}: it {}", title(order_[0]),
                       able_ > 1 ? " at its workload" : "", figure(cases_[order_[0]], key()));
  }

  // Less for easier work is no better design: at which of the swept workloads the sentence is.
  std::string elsewhere() const {
    if (able_ == order_.size()) return "";
    const std::vector<std::string> names = short_paths(paths_);
    std::string where;
    for (std::size_t p = 0; p < paths_.size(); ++p) {
      const std::string value = setting(cases_[order_[0]], paths_[p]);
      if (!paths_[p].starts_with("workload.") || value.empty()) continue;
      where += fmt::format("{}{} {}", where.empty() ? "" : ", ", names[p], value);
    }
    return fmt::format(
        "; this holds at {}, where the best {} least: the other rows serve other workloads",
        where.empty() ? "the workload as given" : printable(where),
        key() == "energy_per_output_token_j" ? "uses" : "costs");
  }

  std::string comparison() const {
    const std::size_t second = rival_of(cases_, order_);
    const Comparison pair{cases_[order_[0]], cases_[second]};
    const double own = *metric(pair.winner, key()), other = *metric(pair.loser, key());
    if (tied(own, other)) return tie(second);
    const Contest draws = contest(pair.winner, pair.loser, key());
    if (draws.is_tie()) return toss_up(pair, second, draws);
    const bool by_energy = key() == "energy_per_output_token_j";
    return fmt::format("{} {} against {} for {}: {}{}", title(order_[0]),
                       figure(pair.winner, key()), readable_metric(pair.loser, key()),
                       title(second), by_energy ? energy_driver(pair) : cost_driver(pair),
                       by_energy ? " (compared by energy: not every case has a price)" : "");
  }

  // Ahead as stated, but not by more than what is uncertain.
  std::string toss_up(const Comparison& pair, std::size_t second, const Contest& draws) const {
    return fmt::format(
        "{} and {} are a tie: the first {} ({}) against {} ({}), but the order turns "
        "in {} of {} draws of what is uncertain",
        title(order_[0]), title(second), figure(pair.winner, key()),
        readable_interval(pair.winner, key()), readable_metric(pair.loser, key()),
        readable_interval(pair.loser, key()), draws.turned, draws.draws);
  }

  // Equal in the figure: energy decides if it differs, then carbon, which depends on the place.
  std::string tie(std::size_t second) const {
    const CaseReport* a = &cases_[order_[0]];
    const CaseReport* b = &cases_[second];
    const std::string head = fmt::format("{} and {} are equal within 1 %: each {}",
                                         title(order_[0]), title(second), figure(*a, key()));
    for (const auto& [what, words] :
         {std::pair{"energy_per_output_token_j", "uses {} per output token"},
          {"carbon_per_million_output_tokens_kg", "emits {} of CO2e per million output tokens"}}) {
      const auto of_a = metric(*a, what), of_b = metric(*b, what);
      if (!of_a || !of_b || tied(*of_a, *of_b)) continue;
      const bool first_wins = *of_a < *of_b;
      if (!first_wins) std::swap(a, b);
      return fmt::format("{}, but {} {}", head, title(first_wins ? order_[0] : second),
                         fmt::format(fmt::runtime(words), Comparison{*a, *b}.against(what)));
    }
    return head;
  }

  // What keeps the others from winning, one by one if they are few.
  std::string excluded() const {
    if (cases_.size() - able_ > kMostExclusions) return excluded_counts();
    std::string text;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const std::string why = disqualification(cases_[i]);
      if (!why.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : "; ", title(i), why);
    }
    return text;
  }

  std::string excluded_counts() const {
    std::map<std::string, int> counts;
    for (const CaseReport& one : cases_) {
      const std::string kind = disqualification_kind(one);
      if (!kind.empty()) ++counts[kind];
    }
    std::string text;
    for (const auto& [kind, count] : counts)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, said_of(count, kind));
    const std::size_t out = cases_.size() - able_;
    if (counts.size() == 1)
      return fmt::format("{} of {} rows {}", out, cases_.size(),
                         said_of(counts.begin()->second, counts.begin()->first));
    return fmt::format("{} of {} rows are out: {}", out, cases_.size(), text);
  }

  const std::vector<CaseReport>& cases_;
  std::vector<std::string> paths_;
  std::vector<std::size_t> order_;  // The best first, and what else serves its workload ...
  std::size_t able_ = 0;            // ... of so many, at any workload, that can be recommended.
};

}  // namespace

std::string verdict(const Report& report) {
  return Sentence(report).text();
}

}  // namespace moesim
