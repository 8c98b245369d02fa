#include "scenarios/run/sqlite.h"

#include <sqlite3.h>

#include <exception>
#include <filesystem>

#include "base/input_error.h"

namespace moesim {
namespace {

constexpr int kPatience = 60'000;  // Milliseconds to wait for readers.

[[noreturn]] void refuse(sqlite3* database, const std::string& path, int code) {
  std::string allowed;
  switch (code & 0xFF) {
    case SQLITE_NOTADB:
      allowed = "a database of moesim; choose another --out DIR, or move this file away";
      break;
    case SQLITE_CORRUPT:
      allowed = "an undamaged database; choose another --out DIR, or start anew with --fresh";
      break;
    case SQLITE_FULL:
    case SQLITE_IOERR:
      allowed =
          "free disk space: free some and run the same command again; finished results are kept";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      allowed = "a database that no other program holds";
      break;
    default:
      allowed = "a folder and file that can be written; choose another --out DIR";
  }
  throw InputError({{path, 0, "", sqlite3_errmsg(database), allowed}});
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement::Statement(sqlite3* database, const std::string& path, const std::string& sql)
    : database_(database), path_(path) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr);
  if (code != SQLITE_OK) refuse(database, path, code);
  statement_.reset(statement);
}

Statement& Statement::bind(int parameter, const std::string& text) {
  sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t number) {
  sqlite3_bind_int64(statement_.get(), parameter, number);
  return *this;
}

Statement& Statement::bind(int parameter, std::optional<double> number) {
  if (number) {
    sqlite3_bind_double(statement_.get(), parameter, *number);
  } else {
    sqlite3_bind_null(statement_.get(), parameter);
  }
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) refuse(database_, path_, code);
  return code == SQLITE_ROW;
}

std::string Statement::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  const int bytes = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? "" : std::string(text, text + bytes);
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

void Statement::run() {
  while (step()) {
  }
  reset();
}

void Sqlite::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

Sqlite::Sqlite(const std::string& path) : path_(path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw InputError({{path, 0, "", "not a file",
                       "a database of moesim; choose another --out DIR, or move this away"}});
  }
  sqlite3* database = nullptr;
  const int code = sqlite3_open(path.c_str(), &database);
  handle_.reset(database);
  if (code != SQLITE_OK) refuse(database, path, code);
  sqlite3_busy_timeout(database, kPatience);
}

void Sqlite::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) refuse(handle_.get(), path_, code);
}

std::int64_t Sqlite::number(const std::string& sql) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : 0;
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const std::exception&) {
    // SQLite has rolled back already, for example after a full disk.
  }
}

std::string quoted_name(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace moesim
