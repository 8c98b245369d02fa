#include "reports/results/provenance.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace moesim {

std::vector<Fact> distinct_facts(const std::vector<CaseReport>& cases) {
  std::vector<Fact> facts;
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const CaseReport& report : cases)
    for (const Fact& fact : report.facts)
      if (seen.emplace(fact.path, fact.text, fact.source).second) facts.push_back(fact);
  return facts;
}

std::vector<std::pair<std::string, int>> facts_by_confidence(const std::vector<Fact>& facts) {
  std::map<std::string, int> counts;
  for (const Fact& fact : facts) ++counts[fact.confidence];
  std::vector<std::pair<std::string, int>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

std::vector<std::string> distinct_routings(const std::vector<CaseReport>& cases) {
  std::vector<std::string> routings;
  std::set<std::string> seen;
  for (const CaseReport& report : cases)
    if (!report.routing.provenance.empty() && seen.insert(report.routing.provenance).second)
      routings.push_back(report.routing.provenance);
  return routings;
}

}  // namespace moesim
