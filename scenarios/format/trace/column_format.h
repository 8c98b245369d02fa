// Formats with a column for each thing: the published ones that are tables, and any other by the
// names of its columns.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "scenarios/format/trace/arrival_time.h"
#include "scenarios/format/trace/trace_format.h"

namespace moesim {

// Why a row is left out; nothing if it is a request or has a fault.
using LeaveOut = std::function<std::optional<LeftOut>(const TraceRow&)>;

struct ColumnLayout {
  std::optional<ArrivalReader> arrival;  // Nothing where the trace has no times.
  std::string input_tokens;
  std::string output_tokens;
  LeaveOut leave_out{};  // Beside rows with 0 output tokens, which failed in all formats.
  bool is_sorted = true;
};

class ColumnFormat : public TraceFormat {
 public:
  explicit ColumnFormat(ColumnLayout layout) : layout_(std::move(layout)) {}

  void read(const TraceRow& row, TraceRequests& to) override;
  bool has_times() const override { return layout_.arrival.has_value(); }
  bool is_sorted() const override { return layout_.is_sorted; }

 private:
  ColumnLayout layout_;
};

// A trace whose columns a scenario names.
// Requires: part.columns.
std::unique_ptr<TraceFormat> named_columns(const TracePart& part);

// Whether a row has all of them; one of a CSV file that lacks a column is a fault, as all rows lack
// it.
bool has_columns(const TraceColumns& columns, const TraceRow& first);

}  // namespace moesim
