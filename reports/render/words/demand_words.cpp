#include "reports/render/words/demand_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/render/words/case_result.h"
#include "reports/render/words/format.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostReferences = 4;

std::string why_no_price(const std::vector<CaseReport>& cases, const std::string& name) {
  const auto found = std::ranges::find(cases, name, &CaseReport::name);
  if (found == cases.end()) return "is not in the report";
  return found->status == CaseStatus::kDone ? "has no price" : disqualification_text(*found);
}

std::string counted(std::size_t rows) {
  return fmt::format("{} row{}", rows, rows == 1 ? "" : "s");
}

}  // namespace

std::string reference_text(const std::vector<CaseReport>& cases, const DemandBills& bills) {
  const std::vector<std::string> paths = swept_paths(cases);
  std::vector<std::size_t> seen;
  for (const DemandRow& row : bills.rows)
    if (row.row == row.reference) seen.push_back(row.row);
  std::string text;
  for (std::size_t i = 0; i < std::min(seen.size(), kMostReferences); ++i)
    text += (i ? ", " : "") + case_title(cases[seen[i]], paths);
  if (seen.size() > kMostReferences)
    text += fmt::format(" and {} more", seen.size() - kMostReferences);
  return text + (seen.size() > 1 ? ", each for its own workload" : "");
}

std::string demand_sentence(const std::vector<CaseReport>& cases, const DemandResponse& response,
                            const DemandBills& bills) {
  if (bills.rows.empty()) {
    return fmt::format("Demand response not computed: reference case {} {}.",
                       printable(bills.reference), why_no_price(cases, bills.reference));
  }
  std::string left_out;
  if (bills.priced < cases.size())
    left_out += fmt::format(" Left out: {} without a price.", counted(cases.size() - bills.priced));
  if (bills.rows.size() < bills.priced)
    left_out += fmt::format(" Left out: {} with a workload at which {} has no price.",
                            counted(bills.priced - bills.rows.size()), printable(bills.reference));
  return fmt::format(
      "Monthly bill with demand response: elasticity {}; the scenario's traffic is the demand at "
      "the "
      "price of {}. Every row serves the tokens of its reference; cost and energy scale in "
      "proportion, also to fractions of a node.{}",
      response.elasticity, printable(reference_text(cases, bills)), left_out);
}

}  // namespace moesim
