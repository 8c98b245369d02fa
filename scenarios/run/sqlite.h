// SQLite with errors as InputError, which says what to do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace moesim {

// A prepared statement. Columns count from 0, parameters from 1.
class Statement {
 public:
  Statement(sqlite3* database, const std::string& path, const std::string& sql);

  Statement& bind(int parameter, const std::string& text);
  Statement& bind(int parameter, std::int64_t number);
  Statement& bind(int parameter, std::optional<double> number);

  // The next row, if there is one. Throws: InputError as Sqlite.
  bool step();
  std::string text(int column) const;
  std::int64_t integer(int column) const;
  // Prepares it to be bound and run again.
  void reset();
  // Steps to the end and resets.
  void run();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3* database_;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Sqlite {
 public:
  // Opens a database; creates it if missing. Waits for other processes that read it.
  // Throws: InputError, here and below, if the file is no database, is damaged or cannot be written
  // (the disk is full).
  explicit Sqlite(const std::string& path);

  void execute(const std::string& sql);
  Statement prepare(const std::string& sql) { return {handle_.get(), path_, sql}; }
  // The result of a pragma or query that gives one number.
  std::int64_t number(const std::string& sql);
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// A transaction; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Sqlite& database) : database_(database) { database_.execute("BEGIN"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Sqlite& database_;
  bool open_ = true;
};

// A name quoted for SQL; it may hold any character.
std::string quoted_name(const std::string& name);

}  // namespace moesim
