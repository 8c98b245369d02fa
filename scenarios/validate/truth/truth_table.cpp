#include "scenarios/validate/truth/truth_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/document.h"
#include "scenarios/validate/truth/truth_columns.h"

namespace moesim {
namespace {

constexpr Topic kTopics[] = {Topic::kServing,     Topic::kEnergy,  Topic::kMemory,  Topic::kKernels,
                             Topic::kCollectives, Topic::kRouting, Topic::kTraining};

struct Line {
  std::vector<std::string> cells;
  bool open_quote = false;
};

// Cells are separated by commas; quoted cells may contain commas; "" inside quotes is one quote.
Line split(std::string_view line) {
  Line out;
  out.cells.emplace_back();
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && out.open_quote && i + 1 < line.size() && line[i + 1] == '"') {
      out.cells.back() += line[++i];
    } else if (c == '"') {
      out.open_quote = !out.open_quote;
    } else if (c == ',' && !out.open_quote) {
      out.cells.emplace_back();
    } else {
      out.cells.back() += c;
    }
  }
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::optional<double> parsed(const std::string& cell) {
  double value = 0;
  const char* end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

// The topic whose columns the header shares most of, if it shares at least half of them.
std::optional<Topic> topic_of(const TruthRow::Places& places) {
  std::optional<Topic> best;
  double most = 0.5;
  for (const Topic topic : kTopics) {
    const auto columns = truth_columns(topic);
    const auto shared = std::count_if(columns.begin(), columns.end(), [&](const TruthColumn& c) {
      return places.find(c.name) != places.end();
    });
    const double share = static_cast<double>(shared) / static_cast<double>(columns.size());
    if (share < most || (best && share <= most)) continue;
    most = share;
    best = topic;
  }
  return best;
}

// Reports missing columns; false if one of them is required.
bool check_header(const TruthRow::Places& places, TruthTable& table, Faults& faults) {
  std::vector<std::string> unknown;
  const auto columns = truth_columns(table.topic);
  for (const auto& [name, place] : places) {
    const bool known = std::any_of(columns.begin(), columns.end(),
                                   [&](const TruthColumn& c) { return c.name == name; });
    if (!known) unknown.push_back(name);
  }
  bool complete = true;
  for (const TruthColumn& column : columns) {
    if (places.find(column.name) != places.end()) continue;
    const std::string near = did_you_mean(column.name, unknown);
    const std::string spelled = near.empty() ? "" : "; " + near + " is no column of this topic";
    faults.add({table.file, 1, std::string(column.name), "",
                column.essential
                    ? "column is missing, so no row of this table can be scored" + spelled
                    : "column is missing; rows that need it are left out" + spelled});
    complete = complete && !column.essential;
  }
  return complete;
}

std::string cell_fault(const TruthColumn& column, const std::string& cell) {
  if (column.kind == CellKind::kText || cell.empty()) return "";
  const auto value = parsed(cell);
  const bool whole = column.kind == CellKind::kCount;
  if (value && *value >= 0 && *value <= column.most && (!whole || *value == std::floor(*value))) {
    return "";
  }
  return fmt::format("{} from 0 to {:g} expected", whole ? "a whole number" : "a number",
                     column.most);
}

// Checks the cells of a row; adds a fault for each that is wrong and marks the row.
void check_row(TruthRow& row, const TruthTable& table, Faults& faults) {
  const auto fault = [&](std::string_view column, const std::string& value,
                         const std::string& allowed) {
    faults.add({table.file, row.line(), std::string(column), value, allowed});
    if (row.fault().empty()) row.set_fault(fmt::format("{}: {}", column, allowed));
  };
  for (const TruthColumn& column : truth_columns(table.topic)) {
    const std::string& cell = row.text(column.name);
    if (const std::string why = cell_fault(column, cell); !why.empty()) {
      fault(column.name, cell, why);
    }
  }
  if (!row.has("id")) fault("id", "nothing", "a key of the row expected");
  const bool wide = table.topic == Topic::kEnergy && !row.has("metric") && !row.has("value");
  if (wide) return;
  for (const char* column : {"metric", "value"}) {
    if (!row.has(column)) fault(column, "nothing", "every row needs it");
  }
  const std::string_view unit = unit_of_metric(row.text("metric"));
  if (!unit.empty() && row.text("unit") != unit && row.has("unit")) {
    fault("unit", row.text("unit"), fmt::format("{} is given in {}", row.text("metric"), unit));
  }
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kMost = 60;
  return std::string(text.substr(0, kMost)) + (text.size() > kMost ? "..." : "");
}

}  // namespace

std::string_view topic_name(Topic topic) {
  constexpr std::string_view kNames[] = {"serving",     "energy",  "memory",  "kernels",
                                         "collectives", "routing", "training"};
  return kNames[static_cast<int>(topic)];
}

const std::string& TruthRow::text(std::string_view column) const {
  static const std::string kNothing;
  const auto place = places_->find(column);
  return place == places_->end() ? kNothing : cells_[place->second];
}

std::optional<double> TruthRow::number(std::string_view column) const {
  return parsed(text(column));
}

std::optional<std::int64_t> TruthRow::count(std::string_view column) const {
  const auto value = number(column);
  return value ? std::optional(static_cast<std::int64_t>(std::llround(*value))) : std::nullopt;
}

std::optional<TruthTable> read_truth_table(const std::string& file, Faults& faults) {
  std::string text;
  try {
    text = read_file(file);
  } catch (const InputError& error) {
    for (const Fault& fault : error.faults()) faults.add(fault);
    return std::nullopt;
  }
  return read_truth_text(text, file, faults);
}

std::optional<TruthTable> read_truth_text(const std::string& text, const std::string& file,
                                          Faults& faults) {
  const std::vector<std::string_view> lines = lines_of(text);
  TruthTable table;
  table.file = file;
  auto places = std::make_shared<TruthRow::Places>();
  const Line header = split(lines.empty() ? "" : lines.front());
  for (std::size_t i = 0; i < header.cells.size(); ++i) {
    if (places->emplace(header.cells[i], i).second) continue;
    faults.add({file, 1, header.cells[i], "", "column is given twice"});
    return std::nullopt;
  }
  const auto topic = topic_of(*places);
  if (!topic) {
    faults.add({file, 1, "", lines.empty() ? "an empty file" : shortened(lines.front()),
                "a table of serving, energy, memory, kernels, collectives, routing or training "
                "expected; the columns are in docs/formats.md"});
    return std::nullopt;
  }
  table.topic = *topic;
  if (!check_header(*places, table, faults)) return std::nullopt;

  std::set<std::string> ids;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const int number = static_cast<int>(i) + 1;
    Line line = split(lines[i]);
    const std::size_t given = line.cells.size();
    line.cells.resize(header.cells.size());
    TruthRow row(places, std::move(line.cells), number);
    if (line.open_quote || given != header.cells.size()) {
      row.set_fault(line.open_quote
                        ? "a quote is not closed on this line"
                        : fmt::format("{} cells expected, {} found", header.cells.size(), given));
      faults.add({file, number, "", shortened(lines[i]), row.fault()});
    } else {
      check_row(row, table, faults);
    }
    if (row.fault().empty() && !ids.insert(row.text("id")).second) {
      row.set_fault("id is given twice");
      faults.add({file, number, "id", row.text("id"), "is given twice"});
    }
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) faults.add({file, 1, "", "", "the table has no rows"});
  return table;
}

}  // namespace moesim
