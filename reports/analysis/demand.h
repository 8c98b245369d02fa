// The whole bill, not the price of a token: what a cheaper token costs in all once people ask for
// more of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/results/case_report.h"
#include "reports/results/demand_response.h"

namespace moesim {

struct Bill {
  double tokens = 0;  // Output tokens a month.
  std::optional<double> cost_usd, energy_kwh, carbon_kg;
};

struct DemandRow {
  std::size_t row = 0;            // Of the report's cases ...
  std::size_t reference = 0;      // ... and the one it is compared with: same workload.
  double price_ratio = 1;         // Its price over the reference's.
  double growth = 1;              // Its demand over the scenario's traffic.
  Bill as_asked;                  // At the scenario's traffic ...
  Bill at_demand;                 // ... and at the demand that its price makes.
  std::optional<double> rebound;  // Share of the energy saved against the reference that the growth
                                  // takes back; above 1 it uses more. Nothing where none is saved.
};

struct DemandBills {
  std::string reference;        // The name of the case that all are compared with.
  std::size_t priced = 0;       // Rows of the report that have a price ...
  std::vector<DemandRow> rows;  // ... and those of them whose workload has a reference.
};

// Constant elasticity e: tokens = traffic (price / reference price)^-e, where the traffic is the
// reference's tokens a month for every case, and every token costs and uses what it does in the
// scenario (that is: more of the same deployments).
//   rebound = (growth - 1) E / (E_reference - E),  E = energy at the scenario's traffic
// The reference is one row: the first of the named case that can be recommended, or else the first
// with a price; where a sweep changes the workload, one for each workload. A row for every case
// with a price whose workload has a reference; empty without.
DemandBills demand_bills(const std::vector<CaseReport>& cases, const DemandResponse& response);

}  // namespace moesim
