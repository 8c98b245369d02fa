// Tables of published measurements: what a CSV file is about, told by its header, and its rows,
// checked cell by cell. The columns are those of docs/formats.md, "Tables of measurements".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/input_error.h"

namespace moesim {

enum class Topic { kServing, kEnergy, kMemory, kKernels, kCollectives, kRouting, kTraining };
inline constexpr int kNumTopics = 7;
std::string_view topic_name(Topic topic);

// One line of a table. An absent column and an empty cell both mean that the source does not state
// the value.
class TruthRow {
 public:
  // Column name -> index in `cells`.
  using Places = std::map<std::string, std::size_t, std::less<>>;

  TruthRow(std::shared_ptr<const Places> places, std::vector<std::string> cells, int line)
      : places_(std::move(places)), cells_(std::move(cells)), line_(line) {}

  const std::string& text(std::string_view column) const;
  bool has(std::string_view column) const { return !text(column).empty(); }
  // Requires for both: the cell was checked as a number when the table was read.
  std::optional<double> number(std::string_view column) const;
  std::optional<std::int64_t> count(std::string_view column) const;  // Rounded.

  int line() const { return line_; }
  // The error in this row, which is then reported and left out; empty = valid.
  const std::string& fault() const { return fault_; }
  void set_fault(std::string fault) { fault_ = std::move(fault); }

 private:
  std::shared_ptr<const Places> places_;
  std::vector<std::string> cells_;
  int line_;
  std::string fault_;
};

struct TruthTable {
  std::string file;
  Topic topic = Topic::kServing;
  std::vector<TruthRow> rows;
};

// Reads a table. Errors go to `faults` with file and line: a row with a bad cell, too few cells or
// an open quote is marked, the other rows are kept; a missing column reads as empty. Returns
// nothing if the file cannot be read, or if its header is of no topic or lacks a column that every
// row needs.
std::optional<TruthTable> read_truth_table(const std::string& file, Faults& faults);

// Reads a table from text; `file` is its name in messages.
std::optional<TruthTable> read_truth_text(const std::string& text, const std::string& file,
                                          Faults& faults);

}  // namespace moesim
