#include "scenarios/format/trace/csv_rows.h"

#include <fmt/format.h>

#include <set>

namespace moesim {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

}  // namespace

CsvRows::CsvRows(const InputFile& file, FileFaults& faults) : lines_(file), faults_(faults) {
  if (!next_cells()) return;
  header_ = cells_;
  if (header_.front().starts_with(kByteOrderMark)) {
    header_.front().erase(0, kByteOrderMark.size());
  }
  std::set<std::string> names;
  for (std::string& name : header_) {
    if (name.empty()) name = fmt::format("column {}", names.size() + 1);
    if (!names.insert(name).second) {
      faults_.add(line_, "", shown(name), "every column of the header once expected");
    }
  }
}

// From behind the opening quote to behind the closing one, over further lines if need be.
bool CsvRows::take_quoted(std::size_t& at, std::string& cell) {
  while (true) {
    const std::size_t quote = record_.find('"', at);
    cell += record_.substr(at, quote - at);
    if (quote == std::string::npos) {
      at = record_.size();
      if (!lines_.next()) return false;
      record_ += "\n";
      record_ += lines_.text();
    } else if (quote + 1 < record_.size() && record_[quote + 1] == '"') {
      cell += '"';
      at = quote + 2;
    } else {
      at = quote + 1;
      return true;
    }
  }
}

void CsvRows::split() {
  for (std::size_t at = 0;;) {
    const std::size_t begin = record_.find_first_not_of(kBlanks, at);
    std::string cell;
    if (begin != std::string::npos && record_[begin] == '"') {
      at = begin + 1;
      if (!take_quoted(at, cell)) faults_.add(line_, "", "", "the quote is never closed");
    }
    const std::size_t comma = record_.find(',', at);
    cells_.push_back(cell + trimmed(std::string_view(record_).substr(at, comma - at)));
    if (comma == std::string::npos) return;
    at = comma + 1;
  }
}

bool CsvRows::next_cells() {
  if (!lines_.next()) return false;
  line_ = lines_.number();
  record_ = lines_.text();
  cells_.clear();
  split();
  return true;
}

bool CsvRows::next() {
  while (next_cells()) {
    if (cells_.size() != header_.size()) {
      faults_.add(line_, "",
                  fmt::format("{} column{}", cells_.size(), cells_.size() == 1 ? "" : "s"),
                  fmt::format("the {} columns of the header expected", header_.size()));
      continue;
    }
    for (std::size_t i = 0; i < header_.size(); ++i) values_[header_[i]] = std::move(cells_[i]);
    return true;
  }
  return false;
}

}  // namespace moesim
