#include "hardware/kernels/measured_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "base/document.h"
#include "hardware/kernels/measured_columns.h"
#include "hardware/kernels/measured_row.h"

namespace moesim {
namespace {

constexpr std::size_t kMostFaults = 20;
constexpr std::uintmax_t kMostBytes = 64u << 20;
constexpr std::size_t kMostShown = 60;  // Of a cell in a message.

// A row cannot beat the data sheet by more than a boost clock does, nor take a hundred times as
// long as it allows plus a millisecond: such times are in another unit.
constexpr double kFastest = 1.5;
constexpr double kSlowest = 100;
constexpr double kSlowStart = 1e-3;
constexpr double kMostLaunch = 1e-3;

using Column = MeasuredColumn;
using Cells = std::vector<std::string_view>;

const std::vector<std::string> kHeaderKeys = {"device", "driver", "library",
                                              "date",   "launch", "note"};

std::string shown(std::string_view text) {
  return std::string(text.substr(0, kMostShown)) + (text.size() > kMostShown ? "..." : "");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Cells split(std::string_view line) {
  Cells cells;
  for (std::size_t comma = 0; comma != std::string_view::npos;) {
    comma = line.find(',');
    cells.push_back(trimmed(line.substr(0, comma)));
    if (comma != std::string_view::npos) line.remove_prefix(comma + 1);
  }
  return cells;
}

bool is_date(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return false;
  }
  return text.substr(5, 2) >= "01" && text.substr(5, 2) <= "12" && text.substr(8) >= "01" &&
         text.substr(8) <= "31";
}

// Reads one file into `rows`; line numbers are kept to name repeated shapes.
class TableReader {
 public:
  TableReader(const TableFile& file, const DeviceSpec& device, bool as_stated, Faults& faults)
      : file_(file), device_(device), as_stated_(as_stated), faults_(faults) {}

  struct Line {
    MeasuredKernels::Row row;
    const std::string* file;
    int line;
  };

  void read(std::vector<Line>& rows);
  Fact fact() const;
  std::string path() const;
  void fault(int line, std::string_view column, std::string_view value,
             const std::string& allowed) {
    if (++found_ > kMostFaults) return;
    faults_.add({file_.path, line, std::string(column), shown(value), allowed});
  }
  // The faults beyond the first twenty are counted, not shown.
  void close() {
    if (found_ <= kMostFaults) return;
    faults_.add({file_.path, 0, "", "", fmt::format("{} more faults", found_ - kMostFaults)});
    found_ = 0;
  }

 private:
  void read_note(std::string_view text, int line);
  void read_columns(const Cells& cells, int line);
  void check_notes();
  void read_row(const Cells& cells, int line, std::vector<Line>& rows);
  std::optional<KernelKind> kind_of(std::string_view text, int line);
  bool check_cells(const MeasuredRow& cells, KernelKind kind, int line);
  void check_time(double seconds, const Kernel& kernel, std::string_view cell, int line);

  const TableFile& file_;
  const DeviceSpec& device_;
  bool as_stated_;
  Faults& faults_;
  std::size_t found_ = 0;
  std::map<std::string, std::string> notes_;
  double launch_ = 0;
  MeasuredRow::Places places_{};
  std::size_t width_ = 0;  // Columns of the file; 0 before the header row.
  bool usable_ = true;     // The header row has the columns that every row needs.
  std::set<Column> missing_;
  std::array<std::size_t, kNumWords<KernelKind>> counts_{};
};

std::string TableReader::path() const {
  return fmt::format("devices/{}: measured {}", device_.name, file_.name);
}

void TableReader::read(std::vector<Line>& rows) {
  std::error_code error;
  if (std::filesystem::file_size(file_.path, error) > kMostBytes && !error) {
    return fault(0, "", "", fmt::format("at most {} MiB", kMostBytes >> 20));
  }
  std::string text;
  try {
    text = read_file(file_.path);
  } catch (const InputError& unreadable) {
    return fault(0, "", file_.name, unreadable.faults().front().allowed);
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  std::string_view left = text;
  if (left.starts_with(kByteOrderMark)) left.remove_prefix(kByteOrderMark.size());
  for (int number = 1; !left.empty() && usable_; ++number) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    const std::string_view line = trimmed(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.empty()) continue;
    if (line.front() == '#') {
      read_note(trimmed(line.substr(1)), number);
    } else if (width_ == 0) {
      check_notes();
      read_columns(split(line), number);
    } else {
      read_row(split(line), number, rows);
    }
  }
  if (width_ == 0) fault(0, "", "", "a header row with kind, ..., time_s expected");
}

void TableReader::read_note(std::string_view text, int line) {
  const std::size_t colon = text.find(':');
  const std::string key(trimmed(text.substr(0, colon)));
  if (colon == std::string_view::npos ||
      std::find(kHeaderKeys.begin(), kHeaderKeys.end(), key) == kHeaderKeys.end()) {
    const std::string near = did_you_mean(key, kHeaderKeys);
    return fault(line, "", text,
                 "# KEY: TEXT expected; " + (near.empty() ? "keys: " + comma_list(kHeaderKeys)
                                                          : "did you mean " + near + "?"));
  }
  const std::string value(trimmed(text.substr(colon + 1)));
  if (key == "note") return;
  if (!notes_.emplace(key, value).second) return fault(line, key, value, "given twice");
  if (value.empty()) fault(line, key, value, "a text expected");
  if (key == "date" && !is_date(value))
    fault(line, key, value, "a date such as 2026-05-31 expected");
  if (key != "launch") return;
  const auto seconds = parse_quantity(value, Dimension::kTime);
  if (!seconds || *seconds < 0 || *seconds > kMostLaunch) {
    fault(line, key, value, "a time such as 2.1 us, or 0 s, up to 1 ms expected");
  }
  launch_ = seconds.value_or(0);
}

void TableReader::check_notes() {
  for (const std::string& key : kHeaderKeys) {
    if (key == "note" || notes_.contains(key)) continue;
    fault(0, key, "",
          "missing; a line \"# " + key + ": ...\" before the columns expected" +
              (key == "launch" ? ", the launch that each time_s contains" : ""));
  }
}

void TableReader::read_columns(const Cells& cells, int line) {
  width_ = cells.size();
  places_.fill(cells.size());
  std::vector<std::string> names;
  for (const MeasuredColumnRule& rule : kMeasuredColumns) names.emplace_back(rule.name);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto found = std::find(names.begin(), names.end(), cells[i]);
    if (found == names.end()) {
      const std::string near = did_you_mean(cells[i], names);
      fault(line, "", cells[i],
            "unknown column; " +
                (near.empty() ? "allowed: " + comma_list(names) : "did you mean " + near + "?"));
      continue;
    }
    std::size_t& place = places_[static_cast<std::size_t>(found - names.begin())];
    if (place < cells.size()) fault(line, "", cells[i], "a column may stand once");
    place = i;
  }
  for (const Column column : {Column::kKind, Column::kTime}) {
    if (places_[static_cast<std::size_t>(column)] < cells.size()) continue;
    fault(line, name_of(column), "", "column is missing; every row needs it");
    usable_ = false;
  }
}

std::optional<KernelKind> TableReader::kind_of(std::string_view text, int line) {
  if (const auto kind = from_word<KernelKind>(text)) return kind;
  fault(line, "kind", text.empty() ? "nothing" : text,
        "one of " + comma_list(words_of<KernelKind>()));
  return std::nullopt;
}

// Cells that the kind needs must be filled, cells that it does not have must be empty.
bool TableReader::check_cells(const MeasuredRow& cells, KernelKind kind, int line) {
  const std::string_view name = word_of(kind);
  bool sound = true;
  for (const MeasuredColumnRule& rule : kMeasuredColumns) {
    const bool given = cells.has(rule.column);
    if ((rule.required & only(kind)) != 0 && !given) {
      sound = false;
      if (places_[static_cast<std::size_t>(rule.column)] < width_) {
        fault(line, rule.name, "nothing", fmt::format("{} rows need it", name));
      } else if (missing_.insert(rule.column).second) {
        fault(line, rule.name, "", fmt::format("column is missing; {} rows need it", name));
      }
    } else if (((rule.required | rule.optional) & only(kind)) == 0 && given) {
      sound = false;
      fault(line, rule.name, cells.cell(rule.column),
            fmt::format("must be empty: {} rows do not have it", name));
    }
  }
  return sound;
}

void TableReader::check_time(double seconds, const Kernel& kernel, std::string_view cell,
                             int line) {
  const double peak = device_.peak_of(kernel.dtype).value();
  const double bandwidth = device_.memory_bandwidth.value();
  if (!(peak > 0) || !(bandwidth > 0)) return;
  const double compute = kernel.flops.value() / peak;
  const double most = kSlowest * (compute + kernel.bytes.value() / bandwidth) + kSlowStart;
  if (seconds * kFastest < compute) {
    fault(line, "time_s", cell,
          fmt::format("seconds expected, at least {:.3g}: the peak of {} allows no less",
                      compute / kFastest, device_.name));
  } else if (seconds > most) {
    fault(line, "time_s", cell,
          fmt::format("seconds expected, at most {:.3g}: {} would take {:.3g}", most, device_.name,
                      compute + kernel.bytes.value() / bandwidth));
  }
}

void TableReader::read_row(const Cells& cells, int line, std::vector<Line>& rows) {
  if (cells.size() != width_) {
    return fault(line, "", fmt::format("{} cells", cells.size()),
                 fmt::format("{} cells, as many as columns, expected", width_));
  }
  const MeasuredRow row_cells(cells, places_, [&](auto column, auto value, const auto& allowed) {
    fault(line, column, value, allowed);
  });
  const auto kind = kind_of(row_cells.cell(Column::kKind), line);
  if (!kind || !check_cells(row_cells, *kind, line)) return;
  const std::size_t before = found_;
  const Kernel kernel = row_cells.kernel(*kind);
  const auto positive = [&](Column column, double most) {
    return row_cells.number(column, std::numeric_limits<double>::min(), most, false);
  };
  MeasuredKernels::Row row;
  row.time = Seconds(positive(Column::kTime, kMostMeasuredSeconds));
  row.launch = Seconds(launch_);
  if (row_cells.has(Column::kLaunch)) {
    const bool none = row_cells.cell(Column::kLaunch) == "0";
    row.launch = Seconds(none ? 0 : positive(Column::kLaunch, kMostMeasuredSeconds));
  }
  if (row_cells.has(Column::kPower)) {
    row.power = Watts(positive(Column::kPower, kMostMeasuredWatts));
  }
  if (found_ == before && as_stated_) {
    check_time(row.time.value(), kernel, row_cells.cell(Column::kTime), line);
  }
  if (found_ != before) return;
  row.time *= file_.stretch;
  row.launch *= file_.stretch;
  row.shape = *measured_shape(kernel);
  ++counts_[static_cast<std::size_t>(*kind)];
  rows.push_back({row, &file_.path, line});
}

Fact TableReader::fact() const {
  std::string rows;
  for (std::size_t kind = 0; kind < counts_.size(); ++kind) {
    if (counts_[kind] == 0) continue;
    rows += fmt::format("{}{} {}", rows.empty() ? "" : ", ", counts_[kind],
                        word_of(static_cast<KernelKind>(kind)));
  }
  const auto note = [&](const char* key) {
    const auto found = notes_.find(key);
    return found == notes_.end() ? std::string() : found->second;
  };
  return {path(), rows.empty() ? "no rows" : rows,
          fmt::format("Measured on {}, {}; driver {}; {}", note("device"), note("date"),
                      note("driver"), note("library")),
          "measured", Enters::kTime};
}

}  // namespace

std::shared_ptr<const MeasuredKernels> read_measured_tables(const std::vector<TableFile>& files,
                                                            const DeviceSpec& device,
                                                            bool as_stated,
                                                            std::vector<Fact>& facts,
                                                            Faults& faults) {
  const std::size_t before = faults.all().size();
  std::vector<TableReader::Line> lines;
  std::map<std::string, TableReader> readers;
  for (const TableFile& file : files) {
    const auto [reader, is_new] = readers.try_emplace(file.path, file, device, as_stated, faults);
    if (!is_new) {
      faults.add({file.path, 0, "", "", "the profile names this table twice; once is enough"});
      continue;
    }
    reader->second.read(lines);
    facts.push_back(reader->second.fact());
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.row.shape < b.row.shape; });
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].row.shape != lines[i - 1].row.shape) continue;
    readers.at(*lines[i].file)
        .fault(lines[i].line, "", "the same shape again",
               fmt::format("one row per shape; it stands in {}:{}", *lines[i - 1].file,
                           lines[i - 1].line));
  }
  for (auto& [path, reader] : readers) reader.close();
  if (faults.all().size() != before) return nullptr;
  std::vector<MeasuredKernels::Row> rows;
  rows.reserve(lines.size());
  for (const TableReader::Line& line : lines) rows.push_back(line.row);
  return std::make_shared<MeasuredKernels>(std::move(rows));
}

}  // namespace moesim
