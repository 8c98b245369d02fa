#include "scenarios/run/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/input_error.h"
#include "reports/metrics/metric.h"
#include "reports/results/report.h"
#include "scenarios/cases/row_key.h"
#include "scenarios/format/keys/plain_number.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kSharedTransaction{1};
constexpr std::int64_t kFormat = 4;  // Raise it whenever the tables or the hashes change.
constexpr double kMostWhole = 1e15;
constexpr const char* kMetaCheck = "check_sum";  // Of all other entries of `meta`.

const std::vector<std::string>& text_columns() {
  static const std::vector<std::string> kColumns = {"name",
                                                    "status",
                                                    "reason",
                                                    "remedy",
                                                    "model",
                                                    "hardware",
                                                    "layout",
                                                    "baseline_of",
                                                    "twin_of",
                                                    "routing_basis",
                                                    "routing_provenance"};
  return kColumns;
}

std::vector<std::string> swept_paths_of(const SweepPlan& plan) {
  std::vector<std::string> paths;
  for (const std::size_t index : plan.rows) {
    for (const auto& [path, value] : plan.scenario.rows[index].point) {
      if (std::ranges::find(paths, path) == paths.end()) paths.push_back(path);
    }
  }
  return paths;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// Column names for the paths. SQL ignores the case of letters, and some names are taken: such names
// get a trailing underscore.
std::vector<std::string> path_columns(const std::vector<std::string>& paths) {
  std::set<std::string> taken(text_columns().begin(), text_columns().end());
  taken.insert({"place", "key"});
  for (const MetricRow& entry : metric_table()) taken.insert(entry.key);
  std::vector<std::string> columns;
  for (std::string name : paths) {
    while (!taken.insert(lower(name)).second) name += "_";
    columns.push_back(name);
  }
  return columns;
}

std::vector<std::string> texts_of(const CaseReport& report, const CaseRow& row) {
  return {report.name,
          std::string(status_name(report.status)),
          report.reason,
          report.remedy,
          report.model,
          report.hardware,
          report.layout,
          row.baseline_of,
          row.twin_of,
          report.routing.basis,
          report.routing.provenance};
}

std::string settings_text(const std::vector<Setting>& settings) {
  Json json = Json::array();
  for (const Setting& setting : settings) json.push_back({setting.path, setting.value});
  return json.dump();
}

std::string facts_key(const std::string& facts) {
  return derived_key(facts, "facts");
}

// A check sum, because SQLite does not notice a changed byte inside a text.
std::string check_of(const std::string& key, const std::string& facts_id,
                     const std::string& result) {
  return derived_key(key + "\n" + facts_id, result);
}

[[noreturn]] void refuse_damaged(const std::string& path) {
  throw InputError({{path, 0, "", "a damaged database: its contents do not match their check sum",
                     "choose another --out DIR, or start anew with --fresh"}});
}

}  // namespace

SweepDatabase::SweepDatabase(const std::string& folder) : SweepDatabase(folder, kDatabaseFile) {}

SweepDatabase SweepDatabase::at(const std::string& file) {
  return {fs::path(file).parent_path().string(), fs::path(file).filename().string()};
}

SweepDatabase::SweepDatabase(std::string folder, const std::string& file)
    : folder_(std::move(folder)),
      program_(program_fingerprint()),
      database_(std::make_unique<Sqlite>((fs::path(folder_) / file).string())) {
  const std::int64_t application = database_->number("PRAGMA application_id");
  const std::int64_t format = database_->number("PRAGMA user_version");
  const bool is_new = (application == 0 || application == kApplicationId) &&
                      database_->number("SELECT count(*) FROM sqlite_master") == 0;
  if (is_new) {
    create_tables();
    return;
  }
  if (application != kApplicationId) {
    throw InputError({{database_->path(), 0, "", "not a database of moesim",
                       "choose another --out DIR, or move this file away"}});
  }
  if (format != kFormat) {
    throw InputError({{database_->path(), 0, "", fmt::format("a database of format {}", format),
                       fmt::format("format {} (moesim {}); choose another --out DIR, or start anew "
                                   "with --fresh",
                                   kFormat, program_version())}});
  }
  Statement known = database_->prepare("SELECT id FROM facts");
  while (known.step()) facts_.insert(known.text(0));
}

void SweepDatabase::create_tables() {
  Transaction transaction(*database_);
  database_->execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kFormat));
  database_->execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
  database_->execute("CREATE TABLE facts (id TEXT PRIMARY KEY, facts TEXT)");
  database_->execute(
      "CREATE TABLE results (key TEXT PRIMARY KEY, program TEXT, facts TEXT, result TEXT, "
      "check_sum TEXT)");
  transaction.commit();
}

void SweepDatabase::create_cases() {
  paths_ = swept_paths_of(*plan_);
  std::string columns = "place INTEGER PRIMARY KEY, key TEXT";
  for (const std::string& name : path_columns(paths_)) columns += ", " + quoted_name(name);
  for (const std::string& name : text_columns()) columns += ", " + name + " TEXT";
  for (const MetricRow& entry : metric_table()) columns += ", " + quoted_name(entry.key) + " REAL";
  insert_.reset();
  database_->execute("DROP TABLE IF EXISTS cases");
  database_->execute("CREATE TABLE cases (" + columns + ")");
  std::string marks = "?, ?";
  for (std::size_t i = 0; i < paths_.size() + text_columns().size() + metric_table().size(); ++i) {
    marks += ", ?";
  }
  insert_.emplace(database_->prepare("INSERT OR REPLACE INTO cases VALUES (" + marks + ")"));
}

void SweepDatabase::write_meta() {
  const Scenario& scenario = plan_->scenario;
  Statement insert = database_->prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)");
  const std::pair<const char*, std::string> entries[] = {
      {"version", std::string(program_version())},
      {"program", program_},
      {"file", scenario.file},
      {"text", scenario.text},
      {"settings", settings_text(scenario.settings)},
      {"scenario", scenario.name},
      {"question", scenario.question},
      {"seed", std::to_string(scenario.seed)},
      {"resolved_scenario", scenario.resolved},
      {"draws", std::to_string(plan_->samples)},
      {"shard", plan_->shard}};
  for (const auto& [name, value] : entries) insert.bind(1, name).bind(2, value).run();
  insert.bind(1, kMetaCheck).bind(2, meta_check()).run();
}

void SweepDatabase::write_cases(const ReportOf& report_of) {
  create_cases();
  write_meta();
  for (const std::size_t index : plan_->rows) fill(index, report_of(index));
}

void SweepDatabase::start(const SweepPlan& plan, const ReportOf& report_of) {
  plan_ = &plan;
  Transaction transaction(*database_);
  write_cases(report_of);
  transaction.commit();
}

void SweepDatabase::fill(std::size_t index, const CaseReport* report) {
  const CaseRow& row = plan_->scenario.rows[index];
  const auto& metrics = metric_table();
  Statement& insert = *insert_;
  insert.bind(1, static_cast<std::int64_t>(index + 1)).bind(2, row.key);
  int next = 2;
  for (const std::string& path : paths_) {
    ++next;
    for (const auto& [own, value] : row.point) {
      if (own != path) continue;
      const auto number = plain_number(value);
      if (number && std::floor(*number) == *number && std::abs(*number) < kMostWhole) {
        insert.bind(next, static_cast<std::int64_t>(*number));
      } else if (number) {
        insert.bind(next, number);
      } else {
        insert.bind(next, value);
      }
    }
  }
  CaseReport waiting;
  waiting.name = row.name;
  waiting.model = row.model;
  auto texts = texts_of(report != nullptr ? *report : waiting, row);
  if (report == nullptr) texts[1] = "waiting";
  for (const std::string& text : texts) insert.bind(++next, text);
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const bool has = report != nullptr && m < report->metrics.size();
    insert.bind(++next, has ? report->metrics[m] : std::nullopt);
  }
  insert.run();
}

std::optional<Json> SweepDatabase::result(const std::string& key) {
  Statement query = database_->prepare(
      "SELECT result, check_sum, results.facts, facts.facts FROM results "
      "LEFT JOIN facts ON results.facts = facts.id WHERE key = ?");
  query.bind(1, key);
  if (!query.step()) return std::nullopt;
  const std::string result = query.text(0), id = query.text(2), facts = query.text(3);
  const bool is_whole = query.text(1) == check_of(key, id, result) &&
                        (id.empty() ? facts.empty() : facts_key(facts) == id);
  if (!is_whole) refuse_damaged(database_->path());
  Json json = Json::parse(result);
  if (!facts.empty()) json["facts"] = Json::parse(facts);
  return json;
}

void SweepDatabase::keep(const std::string& key, Json result, const std::vector<std::size_t>& rows,
                         const CaseReport* report) {
  if (!open_) open_ = std::make_unique<Transaction>(*database_);
  std::string id;
  if (result.contains("facts")) {
    const std::string facts = result["facts"].dump();
    id = facts_key(facts);
    if (facts_.insert(id).second) {
      database_->prepare("INSERT INTO facts VALUES (?, ?)").bind(1, id).bind(2, facts).run();
    }
    result.erase("facts");
  }
  const std::string text = result.dump();
  database_->prepare("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)")
      .bind(1, key)
      .bind(2, program_)
      .bind(3, id)
      .bind(4, text)
      .bind(5, check_of(key, id, text))
      .run();
  for (const std::size_t index : rows) fill(index, report);
  tick();
}

void SweepDatabase::tick() {
  if (std::chrono::steady_clock::now() - last_commit_ > kSharedTransaction) commit();
}

void SweepDatabase::commit() {
  if (!open_) return;
  open_->commit();
  open_.reset();
  last_commit_ = std::chrono::steady_clock::now();
}

// Finished results are kept however the run ends, if the disk has room.
SweepDatabase::~SweepDatabase() {
  try {
    commit();
  } catch (const std::exception&) {
  }
}

// Copies the undamaged results of this build. Returns whether all of them were undamaged.
bool SweepDatabase::copy_results(SweepDatabase& from) {
  Statement facts = from.database_->prepare(
      "SELECT id, facts FROM facts WHERE id IN (SELECT facts FROM results WHERE program = ?) "
      "ORDER BY id");
  Statement results = from.database_->prepare(
      "SELECT key, program, facts, result, check_sum FROM results WHERE program = ? ORDER BY key");
  facts.bind(1, program_);
  results.bind(1, program_);
  bool all_whole = true;
  Statement add_facts = database_->prepare("INSERT OR IGNORE INTO facts VALUES (?, ?)");
  while (facts.step()) {
    all_whole = all_whole && facts_key(facts.text(1)) == facts.text(0);
    add_facts.bind(1, facts.text(0)).bind(2, facts.text(1)).run();
    facts_.insert(facts.text(0));
  }
  Statement add = database_->prepare("INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?)");
  while (results.step()) {
    if (results.text(4) != check_of(results.text(0), results.text(2), results.text(3))) {
      all_whole = false;
      continue;
    }
    for (int column = 0; column < 5; ++column) add.bind(column + 1, results.text(column));
    add.run();
  }
  return all_whole;
}

void SweepDatabase::finish(const ReportOf& report_of) {
  commit();
  const std::string file = std::string(kDatabaseFile) + ".partial";
  const fs::path partial = fs::path(folder_) / file;
  std::error_code error;
  fs::remove(partial, error);
  fs::remove(partial.string() + "-journal", error);
  {
    SweepDatabase ordered(folder_, file);
    ordered.plan_ = plan_;
    Transaction transaction(*ordered.database_);
    ordered.write_cases(report_of);
    ordered.copy_results(*this);
    transaction.commit();
  }
  fs::rename(partial, fs::path(folder_) / kDatabaseFile, error);
  if (error) {
    throw InputError({{partial.string(), 0, "", error.message(), "a folder that can be written"}});
  }
}

void SweepDatabase::import(SweepDatabase& other) {
  Transaction transaction(*database_);
  if (!copy_results(other) || other.meta(kMetaCheck) != other.meta_check()) {
    refuse_damaged(other.database_->path());
  }
  transaction.commit();
}

std::string SweepDatabase::meta_check() {
  Statement query =
      database_->prepare("SELECT name, value FROM meta WHERE name != ? ORDER BY name");
  query.bind(1, kMetaCheck);
  std::string text;
  while (query.step()) text += derived_key(query.text(0), query.text(1));
  return derived_key(text, kMetaCheck);
}

std::string SweepDatabase::meta(const std::string& name) {
  Statement query = database_->prepare("SELECT value FROM meta WHERE name = ?");
  query.bind(1, name);
  return query.step() ? query.text(0) : "";
}

}  // namespace moesim
