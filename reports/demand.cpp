#include "reports/demand.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "reports/accounting.h"
#include "reports/format.h"
#include "reports/metrics.h"
#include "reports/text_table.h"

namespace moesim {
namespace {

constexpr const char* kPrice = "cost_per_million_output_tokens_usd";

bool usable(const CaseReport& report) {
  return report.status == CaseStatus::kDone && metric(report, kPrice).value_or(0) > 0;
}

const CaseReport* reference_of(const std::vector<CaseReport>& cases, const std::string& name) {
  const auto found = std::ranges::find_if(cases, [&](const CaseReport& one) {
    return usable(one) && (name.empty() || one.name == name);
  });
  return found == cases.end() ? nullptr : &*found;
}

// In a sweep: whether the settings that both have are alike.
bool comparable(const CaseReport& one, const CaseReport& reference) {
  return std::ranges::all_of(one.point, [&](const auto& entry) {
    const std::string other = setting(reference, entry.first);
    return other.empty() || other == entry.second;
  });
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

std::string words(const std::optional<double>& number, const char* unit) {
  return number ? readable_number(*number) + " " + unit : "-";
}

}  // namespace

std::vector<DemandRow> demand_rows(const std::vector<CaseReport>& cases,
                                   const DemandResponse& response) {
  const CaseReport* reference = reference_of(cases, response.reference);
  if (reference == nullptr) return {};
  const double price = *metric(*reference, kPrice);
  const Bill base = bill_of(*reference);
  std::vector<DemandRow> rows;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!usable(cases[i]) || !comparable(cases[i], *reference)) continue;
    DemandRow row;
    row.row = i;
    row.price_ratio = *metric(cases[i], kPrice) / price;
    row.growth = std::pow(row.price_ratio, -response.elasticity);
    const Bill own = bill_of(cases[i]);
    row.as_asked = grown(own, own.tokens > 0 ? base.tokens / own.tokens : 0);
    row.at_demand = grown(row.as_asked, row.growth);
    if (row.as_asked.energy_kwh && base.energy_kwh && *base.energy_kwh > *row.as_asked.energy_kwh) {
      const double saved = *base.energy_kwh - *row.as_asked.energy_kwh;
      row.rebound = (*row.at_demand.energy_kwh - *row.as_asked.energy_kwh) / saved;
    }
    rows.push_back(row);
  }
  return rows;
}

nlohmann::ordered_json demand_json(const std::vector<CaseReport>& cases,
                                   const DemandResponse& response) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  const std::vector<std::string> paths = swept_paths(cases);
  for (const DemandRow& row : demand_rows(cases, response)) {
    rows.push_back({{"row", row.row},
                    {"case", case_title(cases[row.row], paths)},
                    {"price_over_reference", row.price_ratio},
                    {"demand_over_traffic", row.growth},
                    {"at_traffic", bill_json(row.as_asked)},
                    {"at_demand", bill_json(row.at_demand)},
                    {"energy_rebound_share", row.rebound ? nlohmann::ordered_json(*row.rebound)
                                                         : nlohmann::ordered_json(nullptr)}});
  }
  const CaseReport* reference = reference_of(cases, response.reference);
  return {{"elasticity", response.elasticity},
          {"reference", reference != nullptr ? case_title(*reference, paths) : ""},
          {"rows", rows}};
}

std::string demand_text(const std::vector<CaseReport>& cases, const DemandResponse& response,
                        int width) {
  const std::vector<DemandRow> rows = demand_rows(cases, response);
  if (rows.empty()) return "";
  const std::vector<std::string> paths = swept_paths(cases);
  TextTable table;
  table.header = {"a month",          "price",
                  "demand",           "cost at traffic",
                  "cost at demand",   "energy at traffic",
                  "energy at demand", "carbon at demand",
                  "saving taken back"};
  for (const DemandRow& row : rows) {
    table.rows.push_back(
        {printable(case_title(cases[row.row], paths)), fmt::format("x {:.2f}", row.price_ratio),
         fmt::format("x {:.2f}", row.growth), words(row.as_asked.cost_usd, "USD"),
         words(row.at_demand.cost_usd, "USD"), words(row.as_asked.energy_kwh, "kWh"),
         words(row.at_demand.energy_kwh, "kWh"), words(row.at_demand.carbon_kg, "kg"),
         row.rebound ? fmt::format("{:.0f} %", 100 * *row.rebound) : "-"});
  }
  const std::string intro = fmt::format(
      "The whole bill if demand answers to the price of a token with an elasticity of {} (the "
      "scenario's traffic is what is asked for at the price of {}):",
      response.elasticity, printable(reference_of(cases, response.reference)->name));
  std::string text;
  for (const std::string& line : wrapped(intro, width)) text += line + "\n";
  return text + render(table, width);
}

}  // namespace moesim
