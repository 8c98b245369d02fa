// sweep.db: the results of a sweep while it runs, to query it and to resume it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reports/results/case_report.h"
#include "scenarios/cases/scenario.h"
#include "scenarios/run/sqlite.h"

namespace moesim {

inline constexpr const char* kDatabaseFile = "sweep.db";
inline constexpr std::int64_t kApplicationId = 0x6d6f6573;  // "moes", in every version.

// The sweep that a database belongs to.
struct SweepPlan {
  const Scenario& scenario;
  std::vector<std::size_t> rows;  // Rows of the scenario in this run, ascending.
  std::int64_t samples = 0;
  std::string shard = "1/1";
};

// Tables: `cases`, one row per case with the columns of cases.csv, status "waiting" until it has
// run; `results`, the result of each simulation by key; `facts`, shared by results; `meta`, the
// scenario. A result and its rows are stored in one transaction, so that a kill at any moment
// leaves both or neither. A transaction may take longer than a simulation, so the results of one
// second share one.
class SweepDatabase {
 public:
  // Opens FOLDER/sweep.db; creates it if missing. Throws: InputError, here and below, if it is no
  // database of this version of moesim or cannot be written.
  explicit SweepDatabase(const std::string& folder);
  ~SweepDatabase();
  SweepDatabase(SweepDatabase&&) = default;
  // Opens a database by its file name.
  static SweepDatabase at(const std::string& file);

  // The report of a row of the scenario; null if it has none yet.
  using ReportOf = std::function<const CaseReport*(std::size_t)>;

  // Writes the table of cases again; those without a report wait. `plan` must outlive the database.
  void start(const SweepPlan& plan, const ReportOf& report_of);

  // The result of a simulation, if it has run. Throws: InputError if it is damaged.
  std::optional<nlohmann::ordered_json> result(const std::string& key);
  // Stores a result and fills in the rows that it belongs to (none for a Monte Carlo sample).
  void keep(const std::string& key, nlohmann::ordered_json result,
            const std::vector<std::size_t>& rows, const CaseReport* report);
  // Commits results that were stored more than a second ago.
  void tick();

  // Writes everything in order into a new file, which replaces this one: the same sweep gives the
  // same bytes, however often it was interrupted. Results of other builds of the program are left
  // out. Requires: the last call.
  void finish(const ReportOf& report_of);

  // Copies the results of another database. Throws: InputError if that is damaged.
  void import(SweepDatabase& other);
  // An entry of `meta`; empty if there is none.
  std::string meta(const std::string& name);

 private:
  SweepDatabase(std::string folder, const std::string& file);
  void create_tables();
  void create_cases();
  void write_meta();
  void write_cases(const ReportOf& report_of);
  void fill(std::size_t index, const CaseReport* report);
  void commit();
  bool copy_results(SweepDatabase& from);
  std::string meta_check();

  std::string folder_;
  std::string program_;
  std::unique_ptr<Sqlite> database_;
  std::optional<Statement> insert_ = {};  // Of a row of the table of cases.
  const SweepPlan* plan_ = nullptr;
  std::vector<std::string> paths_;  // Swept paths, in the order of their columns.
  std::set<std::string> facts_;     // Keys of the facts in the database.
  std::unique_ptr<Transaction> open_ = {};
  std::chrono::steady_clock::time_point last_commit_ = {};
};

}  // namespace moesim
