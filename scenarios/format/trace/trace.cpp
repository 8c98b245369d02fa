#include "scenarios/format/trace/trace.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "scenarios/format/trace/column_format.h"
#include "scenarios/format/trace/csv_rows.h"
#include "scenarios/format/trace/json_rows.h"
#include "scenarios/format/trace/published_formats.h"
#include "scenarios/format/trace/unused_columns.h"

namespace moesim {
namespace {

std::unique_ptr<RowSource> open_rows(const std::string& path, const InputFile& file,
                                     FileFaults& faults) {
  if (path.ends_with(".csv")) return std::make_unique<CsvRows>(file, faults);
  if (path.ends_with(".jsonl")) return std::make_unique<JsonLines>(file, faults);
  if (path.ends_with(".json")) return std::make_unique<JsonList>(file, faults);
  throw InputError({{path, 0, "", "", "a trace ends in .csv, .jsonl or .json"}});
}

// Null, and faults, if the row tells none.
std::unique_ptr<TraceFormat> format_by(const TraceRow& first, const TracePart& part,
                                       const Variation& variation) {
  if (part.columns) return has_columns(*part.columns, first) ? named_columns(part) : nullptr;
  auto format = published_format(first, part, variation);
  if (!format) {
    first.fault("", first.names(),
                "the columns of a known format expected: " + published_columns() +
                    "; name those of others with columns: {timestamp: NAME, input_tokens: NAME, "
                    "output_tokens: NAME}");
  }
  return format;
}

class TraceReader {
 public:
  TraceReader(const std::string& path, const TracePart& part, const Variation& variation)
      : part_(part),
        variation_(variation),
        file_(path),
        faults_(path),
        rows_(open_rows(path, file_, faults_)) {}

  Trace read() {
    while (wants_more() && rows_->next()) {
      const TraceRow row(rows_->values(), rows_->line(), rows_->is_text(), columns_, faults_);
      if (!requests_) open(row);
      columns_.see(rows_->values());
      check_gaps(row);
      format_->read(row, *requests_);
    }
    if (!requests_) requests_.emplace(0, true, faults_);
    Trace trace;
    trace.requests = requests_->finish();
    faults_.throw_if_any();
    trace.has_times = format_->has_times();
    trace.has_tokens = format_->estimate().empty();
    trace.notes = notes();
    return trace;
  }

 private:
  bool wants_more() const { return !requests_ || requests_->wants_more(); }

  // Throws: InputError if the format is unknown: no other row would be any better.
  void open(const TraceRow& first) {
    format_ = format_by(first, part_, variation_);
    if (!format_) faults_.throw_if_any();
    requests_.emplace(part_.limit, format_->is_sorted(), faults_);
  }

  std::vector<std::string> notes() const {
    std::vector<std::string> notes = requests_->notes();
    for (const std::string& note : format_->notes()) notes.push_back(note);
    if (!format_->estimate().empty()) notes.push_back(format_->estimate());
    const std::string unused = unused_columns_text(columns_.unused());
    if (!unused.empty()) notes.push_back(unused);
    return notes;
  }

  const TracePart& part_;
  const Variation& variation_;
  InputFile file_;
  FileFaults faults_;
  std::unique_ptr<RowSource> rows_;
  ColumnUse columns_{};
  std::unique_ptr<TraceFormat> format_{};
  std::optional<TraceRequests> requests_{};
};

}  // namespace

Trace read_trace(const std::string& path, const TracePart& part, const Variation& variation) {
  if (!std::filesystem::exists(path)) throw InputError({{path, 0, "", "", "no such file"}});
  return TraceReader(path, part, variation).read();
}

}  // namespace moesim
