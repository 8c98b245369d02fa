// sweep.db: the results of a sweep while it runs, to be queried and to be resumed from.
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

// What a database is about, besides its rows.
struct SweepPlan {
  const Scenario& scenario;
  std::vector<std::size_t> rows;  // Those of the scenario that this run does, rising.
  std::int64_t draws = 0;
  std::string shard = "1/1";
};

// Tables: `cases`, a row each with the columns of cases.csv, "waiting" until it has run; `results`,
// what each simulation sent home, by key; `facts`, which results share; `meta`, the scenario. A
// result and its rows are kept in one transaction: after a kill at any moment they are there or
// they are not. A disk may take longer to be sure of a transaction than a simulation takes, so
// results of one second share one.
class SweepDatabase {
 public:
  // Opens FOLDER/sweep.db, made if missing. Throws: InputError, here and below, if it is no
  // database of this version of moesim or cannot be written.
  explicit SweepDatabase(const std::string& folder);
  ~SweepDatabase();
  SweepDatabase(SweepDatabase&&) = default;
  // The same with the file's own name.
  static SweepDatabase at(const std::string& file);

  // The report of a row of the scenario; null if it has none yet.
  using ReportOf = std::function<const CaseReport*(std::size_t)>;

  // Makes the table of cases anew; those without a report wait. `plan` must outlive the database.
  void start(const SweepPlan& plan, const ReportOf& report_of);

  // What a simulation sent home, if it has run. Throws: InputError if it is damaged.
  std::optional<nlohmann::ordered_json> result(const std::string& key);
  // Keeps that, and fills in the rows that it is the result of (none for a draw).
  void keep(const std::string& key, nlohmann::ordered_json result,
            const std::vector<std::size_t>& rows, const CaseReport* report);
  // Makes sure of what was kept more than a second ago.
  void tick();

  // Writes everything in order into a new file, which takes the place of this one: the same sweep
  // gives the same bytes, however often it was interrupted. Results of other builds of the program
  // are left out. No other call after this one.
  void finish(const ReportOf& report_of);

  // Takes over the results of another database. Throws: InputError if that is damaged.
  void import(SweepDatabase& other);
  // What `meta` says; empty where it says nothing.
  std::string meta(const std::string& name);

 private:
  SweepDatabase(std::string folder, const std::string& file);
  void create_tables();
  void create_cases();
  void write_meta();
  void write_cases(const ReportOf& report_of);
  void fill(std::size_t one, const CaseReport* report);
  void commit();
  bool copy_results(SweepDatabase& from);
  std::string meta_check();

  std::string folder_;
  std::string program_;
  std::unique_ptr<Sqlite> database_;
  std::optional<Statement> insert_ = {};  // A row of the table of cases.
  const SweepPlan* plan_ = nullptr;
  std::vector<std::string> paths_;  // Swept, in the order of their columns.
  std::set<std::string> facts_;     // That are there.
  std::unique_ptr<Transaction> open_ = {};
  std::chrono::steady_clock::time_point last_commit_ = {};
};

}  // namespace moesim
