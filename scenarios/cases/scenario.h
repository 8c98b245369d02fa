// A scenario file, read and checked: what is asked, the traffic, the cases, and the sweep over
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hardware/spec/variation.h"
#include "models/router/make/bank_key.h"
#include "reports/results/case_report.h"
#include "reports/results/demand_response.h"
#include "sim/deployment/deployment.h"
#include "sim/deployment/workload.h"

namespace moesim {

// One row of the report before it runs: what names a case at one point of the sweep.
struct CaseRow {
  std::string name;
  std::int64_t row = 0;   // Counts the points of all cases; those that `where:` leaves out as well.
  std::int64_t twin = 0;  // Among the twins of the same row; 0 = the case itself.
  std::string key;        // Of its result, see row_key.h; empty without a sweep.
  std::vector<std::pair<std::string, std::string>> point;  // Sweep path -> value, as written.
  std::string infeasible;  // Why this sweep point cannot run; empty = it can.
  // Name of the case before this one whose twin it is, with other routing; empty = a case of its
  // own.
  std::string baseline_of;
  // Name of the case before this one whose dense twin it is, and what they have in common; empty =
  // a case of its own.
  std::string twin_of;
  std::string twin_match;
  std::string model;
  bool is_moe = false;
  BankName bank;  // In a sweep, if it can be made together with others; else empty.
};

struct Case : CaseRow {
  Deployment deployment;
  std::shared_ptr<const Workload> workload;
};

// A change to the file's text: `path` as in `sweep:`, `value` as it would be written there.
struct Setting {
  std::string path;
  std::string value;
};

class ScenarioSource;

struct Scenario {
  std::string file;               // As the user wrote it ...
  std::string text;               // ... its content when it was read ...
  std::vector<Setting> settings;  // ... and what was changed in it.
  std::string name;
  std::string question;
  std::uint64_t seed = 0;
  double confidence = kDefaultConfidence;  // Share of the samples that must keep the SLO.
  std::string resolved;  // YAML with every default written out, cases as at the first sweep point.
  std::optional<DemandResponse> demand;
  std::vector<CaseRow> rows;
  std::vector<Case> cases;  // Of the rows; none in large sweeps, where each is read when it runs.
  std::shared_ptr<ScenarioSource> source;  // The text parsed, to read rows from; may be null.
};

// More points than these need to be asked for.
inline constexpr std::int64_t kMostUnaskedPoints = 10'000;

// Of more points than these whole cases would fill the memory, and curves and matrices the
// database.
inline constexpr std::int64_t kMostWholePoints = 1000;

struct ReadOptions {
  Variation variation = {};  // How all uncertain numbers, the traffic and the routing are drawn.
  std::int64_t most_points = kMostUnaskedPoints;
  std::int64_t most_whole =
      std::numeric_limits<std::int64_t>::max();  // Of more, there are no cases.
  // Called now and then with the points read and all points; reading ends with what it throws.
  std::function<void(std::int64_t, double)> progress = {};
};

// Reads a scenario, applies the settings, expands the sweep and checks every case.
// Throws: InputError with all faults at once: syntax, unknown keys, units, ranges, plans that do
// not add up. In a sweep, points that contradict themselves become cases with `infeasible` set.
Scenario read_scenario(const std::string& file, const std::vector<Setting>& settings,
                       const ReadOptions& options = {});

// The same from text; `file` is what messages call it and where relative paths start.
Scenario read_scenario_text(const std::string& text, const std::string& file,
                            const std::vector<Setting>& settings, const ReadOptions& options = {});

// The text parsed, so that many rows can be read from it.
// Throws: InputError if it does not parse.
std::shared_ptr<ScenarioSource> open_source(const std::string& text, const std::string& file,
                                            const std::vector<Setting>& settings);

// Cases of a row of the scenario once more, drawn anew: the case at its point, then its twins.
// Nothing if the files that the scenario names have changed so much that there is no such row.
std::vector<Case> read_row(const Scenario& scenario, std::int64_t row, const Variation& variation);

// One of these: the case, or with twin > 0 one of its twins.
// Throws: InputError if there is no such row, because a file that the scenario names has changed.
Case read_twin(const Scenario& scenario, std::int64_t row, std::int64_t twin,
               const Variation& variation);

// The case of rows[i], read again if need be. Throws: as read_twin.
Case whole_case(const Scenario& scenario, std::size_t i);

// The points of a text's sweep, without reading any; 1 without a sweep, 0 for text with faults.
double count_points(const std::string& text, const std::string& file,
                    const std::vector<Setting>& settings);

}  // namespace moesim
