#include "reports/analysis/demand.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/analysis/ranking.h"
#include "reports/metrics/accounting.h"

namespace moesim {
namespace {

constexpr Metric kPrice = Metric::kCostPerMillionOutputTokens;

bool usable(const CaseReport& report) {
  return report.status == CaseStatus::kDone && metric(report, kPrice).value_or(0) > 0;
}

// The first case of the report unless one is named.
std::string reference_name(const std::vector<CaseReport>& cases, const DemandResponse& response) {
  return response.reference.empty() && !cases.empty() ? cases.front().name : response.reference;
}

// The row of the named case that all others of its workload are compared with.
std::map<WorkloadPoint, std::size_t> references(const std::vector<CaseReport>& cases,
                                                const std::string& name) {
  std::map<WorkloadPoint, std::size_t> found;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].name != name || !usable(cases[i])) continue;
    const auto [at, is_new] = found.try_emplace(workload_point(cases[i]), i);
    if (!is_new && !can_win(cases[at->second]) && can_win(cases[i])) at->second = i;
  }
  return found;
}

Bill bill_of(const CaseReport& report) {
  const double tokens = metric(report, Metric::kOutputTokens).value_or(0);
  const double horizon = metric(report, Metric::kHorizon).value_or(0);
  Bill bill;
  bill.tokens = quotient(tokens * kHoursPerMonth * 3600, horizon).value_or(0);
  bill.cost_usd = metric(report, Metric::kCostPerMonth);
  bill.energy_kwh = metric(report, Metric::kEnergyPerMonth);
  bill.carbon_kg = metric(report, Metric::kCarbonPerMonth);
  return bill;
}

Bill grown(Bill bill, double growth) {
  bill.tokens *= growth;
  for (auto* item : {&bill.cost_usd, &bill.energy_kwh, &bill.carbon_kg})
    if (*item) **item *= growth;
  return bill;
}

DemandRow row_of(const std::vector<CaseReport>& cases, std::size_t i, std::size_t reference,
                 double elasticity) {
  const Bill base = bill_of(cases[reference]), own = bill_of(cases[i]);
  DemandRow row;
  row.row = i;
  row.reference = reference;
  row.price_ratio = *metric(cases[i], kPrice) / *metric(cases[reference], kPrice);
  row.growth = std::pow(row.price_ratio, -elasticity);
  row.as_asked = grown(own, own.tokens > 0 ? base.tokens / own.tokens : 0);
  row.at_demand = grown(row.as_asked, row.growth);
  if (row.as_asked.energy_kwh && base.energy_kwh && *base.energy_kwh > *row.as_asked.energy_kwh) {
    const double saved = *base.energy_kwh - *row.as_asked.energy_kwh;
    row.rebound = (*row.at_demand.energy_kwh - *row.as_asked.energy_kwh) / saved;
  }
  return row;
}

}  // namespace

DemandBills demand_bills(const std::vector<CaseReport>& cases, const DemandResponse& response) {
  DemandBills bills;
  bills.reference = reference_name(cases, response);
  bills.priced = static_cast<std::size_t>(std::ranges::count_if(cases, usable));
  const auto found = references(cases, bills.reference);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!usable(cases[i])) continue;
    const auto reference = found.find(workload_point(cases[i]));
    if (reference != found.end())
      bills.rows.push_back(row_of(cases, i, reference->second, response.elasticity));
  }
  return bills;
}

}  // namespace moesim
