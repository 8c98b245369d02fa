// Rows of a CSV file with a header: cells between commas, in quotes where they hold commas, quotes
// (doubled) or line breaks; blanks around a cell and blank lines do not count.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/router/recorded/input_file.h"
#include "scenarios/format/trace/row_source.h"

namespace moesim {

class CsvRows : public RowSource {
 public:
  // Reads the header. Source of the format: RFC 4180.
  CsvRows(const InputFile& file, FileFaults& faults);

  bool next() override;
  bool is_text() const override { return true; }
  // Names of the columns in the order of the file.
  const std::vector<std::string>& header() const { return header_; }

 private:
  // Fills `cells_` from the next line, or lines; false after the last.
  bool next_cells();
  void split();
  bool take_quoted(std::size_t& at, std::string& cell);

  LineReader lines_;
  FileFaults& faults_;
  std::vector<std::string> header_;
  std::vector<std::string> cells_;
  std::string record_;  // The lines of a row.
};

}  // namespace moesim
