#include "reports/analysis/demand.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "reports/analysis/ranking.h"
#include "reports/render/format.h"
#include "reports/render/text_table.h"
#include "reports/results/accounting.h"
#include "reports/results/metrics.h"

namespace moesim {
namespace {

constexpr const char* kPrice = "cost_per_million_output_tokens_usd";
constexpr std::size_t kMostReferences = 4;

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
    if (!is_new && !disqualification(cases[at->second]).empty() &&
        disqualification(cases[i]).empty())
      at->second = i;
  }
  return found;
}

Bill bill_of(const CaseReport& report) {
  const double tokens = metric(report, "output_tokens").value_or(0);
  const double horizon = metric(report, "horizon_s").value_or(0);
  Bill bill;
  bill.tokens = quotient(tokens * kHoursPerMonth * 3600, horizon).value_or(0);
  bill.cost_usd = metric(report, "cost_per_month_usd");
  bill.energy_kwh = metric(report, "energy_per_month_kwh");
  bill.carbon_kg = metric(report, "carbon_per_month_kg");
  return bill;
}

Bill grown(Bill bill, double growth) {
  bill.tokens *= growth;
  for (auto* item : {&bill.cost_usd, &bill.energy_kwh, &bill.carbon_kg})
    if (*item) **item *= growth;
  return bill;
}

nlohmann::ordered_json bill_json(const Bill& bill) {
  const auto value = [](const std::optional<double>& number) {
    return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
  };
  return {{"output_tokens_per_month", bill.tokens},
          {"cost_per_month_usd", value(bill.cost_usd)},
          {"energy_per_month_kwh", value(bill.energy_kwh)},
          {"carbon_per_month_kg", value(bill.carbon_kg)}};
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

// "moe (tp 1)"; where the workload is swept, the reference of every workload.
std::string reference_text(const std::vector<CaseReport>& cases,
                           const std::vector<DemandRow>& rows) {
  const std::vector<std::string> paths = swept_paths(cases);
  std::vector<std::size_t> seen;
  for (const DemandRow& row : rows)
    if (row.row == row.reference) seen.push_back(row.row);
  std::string text;
  for (std::size_t i = 0; i < std::min(seen.size(), kMostReferences); ++i)
    text += (i ? ", " : "") + case_title(cases[seen[i]], paths);
  if (seen.size() > kMostReferences)
    text += fmt::format(" and {} more", seen.size() - kMostReferences);
  return text + (seen.size() > 1 ? ", each for its own workload" : "");
}

std::string why_no_price(const std::vector<CaseReport>& cases, const std::string& name) {
  const auto found = std::ranges::find(cases, name, &CaseReport::name);
  if (found == cases.end()) return "is not in the report";
  return found->status == CaseStatus::kDone ? "has no price" : disqualification(*found);
}

std::string counted(std::size_t rows) {
  return fmt::format("{} row{}", rows, rows == 1 ? "" : "s");
}

std::string words(const std::optional<double>& number, const char* unit) {
  return number ? readable_number(*number) + " " + unit : "-";
}

}  // namespace

std::vector<DemandRow> demand_rows(const std::vector<CaseReport>& cases,
                                   const DemandResponse& response) {
  const auto found = references(cases, reference_name(cases, response));
  std::vector<DemandRow> rows;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!usable(cases[i])) continue;
    const auto reference = found.find(workload_point(cases[i]));
    if (reference != found.end())
      rows.push_back(row_of(cases, i, reference->second, response.elasticity));
  }
  return rows;
}

std::string demand_sentence(const std::vector<CaseReport>& cases, const DemandResponse& response) {
  const std::string name = reference_name(cases, response);
  const std::vector<DemandRow> rows = demand_rows(cases, response);
  if (rows.empty()) {
    return fmt::format(
        "The whole bill under a demand that answers to price is not told: its reference, {}, {}.",
        printable(name), why_no_price(cases, name));
  }
  const auto priced = static_cast<std::size_t>(std::ranges::count_if(cases, usable));
  std::string left_out;
  if (priced < cases.size())
    left_out += fmt::format(" Left out: {} without a price.", counted(cases.size() - priced));
  if (rows.size() < priced)
    left_out += fmt::format(" Left out: {} whose workload {} has no price at.",
                            counted(priced - rows.size()), printable(name));
  return fmt::format(
      "The whole bill if demand answers to the price of a token with an elasticity of {} (the "
      "scenario's traffic is what is asked for at the price of {}). Every row is counted for the "
      "tokens of its reference, cost and energy in proportion, parts of a node included.{}",
      response.elasticity, printable(reference_text(cases, rows)), left_out);
}

nlohmann::ordered_json demand_json(const std::vector<CaseReport>& cases,
                                   const DemandResponse& response) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  const std::vector<std::string> paths = swept_paths(cases);
  const std::vector<DemandRow> compared = demand_rows(cases, response);
  for (const DemandRow& row : compared) {
    rows.push_back({{"row", row.row},
                    {"case", case_title(cases[row.row], paths)},
                    {"reference_row", row.reference},
                    {"price_over_reference", row.price_ratio},
                    {"demand_over_traffic", row.growth},
                    {"at_traffic", bill_json(row.as_asked)},
                    {"at_demand", bill_json(row.at_demand)},
                    {"energy_rebound_share", row.rebound ? nlohmann::ordered_json(*row.rebound)
                                                         : nlohmann::ordered_json(nullptr)}});
  }
  return {{"elasticity", response.elasticity},
          {"reference", compared.empty() ? "" : reference_text(cases, compared)},
          {"rows", rows},
          {"words", demand_sentence(cases, response)}};
}

std::string demand_text(const std::vector<CaseReport>& cases, const DemandResponse& response,
                        int width) {
  const std::vector<DemandRow> rows = demand_rows(cases, response);
  std::string text;
  for (const std::string& line : wrapped(demand_sentence(cases, response), width))
    text += line + "\n";
  if (rows.empty()) return text;
  const std::vector<std::string> paths = swept_paths(cases);
  TextTable table;
  table.header = {"a month",
                  "price",
                  "demand",
                  "cost at traffic",
                  "cost at demand",
                  "energy at traffic",
                  "energy at demand",
                  "carbon at demand",
                  "energy saving taken back"};
  for (const DemandRow& row : rows) {
    table.rows.push_back(
        {printable(case_title(cases[row.row], paths)), fmt::format("x {:.2f}", row.price_ratio),
         fmt::format("x {:.2f}", row.growth), words(row.as_asked.cost_usd, "USD"),
         words(row.at_demand.cost_usd, "USD"), words(row.as_asked.energy_kwh, "kWh"),
         words(row.at_demand.energy_kwh, "kWh"), words(row.at_demand.carbon_kg, "kg"),
         row.rebound ? fmt::format("{:.0f} %", 100 * *row.rebound) : "-"});
  }
  return text + render(table, width);
}

}  // namespace moesim
