// A row of a trace, of whatever kind of file: values by the names of their columns. Every column
// that a reader asks for is recorded, so that those that nobody used are known.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "models/router/recorded/input_file.h"

namespace moesim {

// Columns of a file that hold anything, and those that were asked for. A map inside a row counts by
// its own keys: "metrics.request_latency".
class ColumnUse {
 public:
  void see(const nlohmann::json& row);
  void use(const std::string& column);
  // In alphabetical order.
  std::vector<std::string> unused() const;

 private:
  std::set<std::string> seen_;
  std::set<std::string> used_;
};

// "a, b and 3 more" of many names.
std::string some_of(std::vector<std::string> names);

class TraceRow {
 public:
  // `is_text`: all values are text, as in a CSV file, and may be read as numbers.
  TraceRow(const nlohmann::json& values, std::int64_t line, bool is_text, ColumnUse& use,
           FileFaults& faults)
      : values_(values), line_(line), is_text_(is_text), use_(use), faults_(faults) {}

  std::int64_t line() const { return line_; }
  bool is_text() const { return is_text_; }
  // The value of a column, "a.b" inside the map "a"; null where there is none. This is no use of
  // it.
  const nlohmann::json* peek(const std::string& column) const;
  // Names of the row's columns, for messages.
  std::string names() const;

  // The same for use; null also where the column is empty.
  const nlohmann::json* find(const std::string& column) const;
  // Of a value; nothing if it is no number.
  std::optional<double> number_in(const nlohmann::json& value) const;
  // Each adds a fault and returns nothing if the value is missing or another one.
  std::optional<std::int64_t> tokens(const std::string& column, std::int64_t min) const;
  std::optional<double> number(const std::string& column, bool whole, double max,
                               const std::string& allowed) const;
  std::optional<std::string> text(const std::string& column, const std::string& allowed) const;

  // Adds a fault that shows the value of the column.
  void fault(const std::string& column, const std::string& allowed) const;
  void fault(const std::string& column, const std::string& value, const std::string& allowed) const;

 private:
  const nlohmann::json& values_;
  std::int64_t line_;
  bool is_text_;
  ColumnUse& use_;
  FileFaults& faults_;
};

}  // namespace moesim
