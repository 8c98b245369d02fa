// When a request of a trace arrived: a date, or a number in a unit.
#pragma once

#include <optional>
#include <string>

#include "base/words.h"
#include "scenarios/format/keys/workload_keys.h"
#include "scenarios/format/trace/trace_row.h"

namespace moesim {

class ArrivalReader {
 public:
  // Dates such as "2024-05-10 00:00:00.009930+00:00", all with the same offset or none.
  explicit ArrivalReader(std::string column) : column_(std::move(column)) {}
  ArrivalReader(std::string column, TimeUnit unit, bool whole)
      : column_(std::move(column)), unit_(unit), whole_(whole) {}

  // Seconds since any fixed moment; nothing after a fault.
  std::optional<double> seconds(const TraceRow& row);

 private:
  std::optional<double> date(const TraceRow& row);

  std::string column_;
  std::optional<TimeUnit> unit_{};  // Nothing for dates.
  bool whole_ = false;
  bool is_first_ = true;
  std::string offset_{};  // Of the first date; empty where it has none.
};

}  // namespace moesim
