#include "reports/render/text/report_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/analysis/baselines.h"
#include "reports/analysis/ranking.h"
#include "reports/analysis/uncertainty.h"
#include "reports/render/text/answers_text.h"
#include "reports/render/text/text_table.h"
#include "reports/render/words/baseline_words.h"
#include "reports/render/words/case_result.h"
#include "reports/render/words/format.h"
#include "reports/render/words/key_metrics.h"
#include "reports/render/words/network_words.h"
#include "reports/render/words/uncertainty_words.h"
#include "reports/render/words/verdict_words.h"
#include "reports/results/sweep_point.h"

namespace moesim {
namespace {

constexpr std::size_t kMostRows = 40;
constexpr std::size_t kMostColumns = 6;

using Row = std::vector<std::string>;

// A row of one text per case.
template <class TextOf>
Row row_of(const std::string& label, const std::vector<CaseReport>& cases, TextOf text_of) {
  Row row = {label};
  for (const CaseReport& report : cases) row.push_back(printable(text_of(report)));
  return row;
}

bool any_has(const std::vector<CaseReport>& cases, Metric key) {
  return std::any_of(cases.begin(), cases.end(), [&](const CaseReport& report) {
    const std::optional<double> value = metric(report, key);
    // A shortfall of zero everywhere, say, is no news.
    return value && *value != 0;
  });
}

bool any_interval(const std::vector<CaseReport>& cases, Metric key) {
  return std::any_of(cases.begin(), cases.end(),
                     [&](const CaseReport& report) { return interval(report, key).has_value(); });
}

std::string status_text(const CaseReport& report) {
  const std::string why = disqualification_text(report);
  const std::string text = why.empty() ? "ok" : why;
  const auto slo = slo_samples(report);
  if (!slo) return text;
  return text + fmt::format(" (service level met in {} of {} samples)", slo->met, slo->samples);
}

// Metrics as rows, cases as columns.
TextTable side_by_side(const std::vector<CaseReport>& cases) {
  TextTable table;
  table.header = row_of("", cases, [](const CaseReport& c) { return c.name; });
  table.rows.push_back(row_of("model", cases, [](const CaseReport& c) { return c.model; }));
  table.rows.push_back(row_of("hardware", cases, [](const CaseReport& c) { return c.hardware; }));
  table.rows.push_back(row_of("layout", cases, [](const CaseReport& c) { return c.layout; }));
  table.rows.push_back(row_of("result", cases, status_text));
  if (std::any_of(cases.begin(), cases.end(),
                  [](const CaseReport& c) { return !c.not_modelled.empty(); })) {
    table.rows.push_back(row_of("not modelled", cases, gaps_text));
  }
  for (const KeyGroup& group : key_groups()) {
    std::vector<Row> rows;
    for (const Metric key : group.keys) {
      if (!any_has(cases, key)) continue;
      rows.push_back(row_of(metric_row(key).label, cases,
                            [&](const CaseReport& c) { return readable_metric(c, key); }));
      if (is_headline(key) && any_interval(cases, key)) {
        rows.push_back(row_of("P10 to P90", cases,
                              [&](const CaseReport& c) { return readable_interval(c, key); }));
      }
    }
    if (rows.empty()) continue;
    table.rows.push_back({std::string(group.heading)});
    table.rows.insert(table.rows.end(), rows.begin(), rows.end());
  }
  return table;
}

// The key metrics that some case has; and what a site decides, where sites are swept.
std::vector<KeyColumn> columns_of(const std::vector<CaseReport>& cases,
                                  const std::vector<std::string>& paths) {
  std::vector<KeyColumn> columns = key_columns();
  if (std::any_of(paths.begin(), paths.end(), [](const std::string& path) {
        return path == "site" || path.starts_with("site.");
      })) {
    columns.push_back({Metric::kCarbonPerMillionOutputTokens, "carbon/M output"});
    columns.push_back({Metric::kElectricityPerMillionOutputTokens, "electricity/M output"});
  }
  std::erase_if(columns, [&](const KeyColumn& column) { return !any_has(cases, column.key); });
  return columns;
}

// What is against a row of a sweep, by a letter beside its name.
class RowNotes {
 public:
  // " [a]"; empty for a row that nothing is against, and where its name says it already.
  std::string mark(const CaseReport& report) {
    const std::string note = note_on(report);
    if (note.empty()) return "";
    const auto known = std::find(notes_.begin(), notes_.end(), note);
    const std::ptrdiff_t place = known - notes_.begin();
    if (known == notes_.end()) notes_.push_back(note);
    return " [" + letter(place) + "]";
  }

  std::string legend(int width) const {
    std::string text;
    for (std::size_t i = 0; i < notes_.size(); ++i) {
      const std::string note =
          "[" + letter(static_cast<std::ptrdiff_t>(i)) + "] " + notes_[i] + ".";
      text += wrapped_text(note, width);
    }
    return text;
  }

 private:
  static std::string note_on(const CaseReport& report) {
    if (report.status != CaseStatus::kDone) return "";
    const std::string kind = disqualification_kind(report);
    const bool misses = kind.starts_with("misses");
    const std::string limits = misses ? limits_text(report) : "";
    if (!kind.empty())
      return "Cannot be recommended: " + kind + (misses ? " (" + limits + ")" : "");
    return slo_samples(report) ? "Meets its service level, but not in every Monte Carlo sample: " +
                                     limits_text(report)
                               : "";
  }

  static std::string letter(std::ptrdiff_t i) {
    return i < 26 ? std::string(1, static_cast<char>('a' + i)) : std::to_string(i + 1);
  }

  std::vector<std::string> notes_;
};

// The intervals below the figures of a row; empty without samples.
Row interval_row(const CaseReport& report, const std::vector<KeyColumn>& columns) {
  Row row = {"P10 to P90"};
  bool any = false;
  for (const KeyColumn& column : columns) {
    row.push_back(is_headline(column.key) ? short_interval(report, column.key) : "");
    any = any || !row.back().empty();
  }
  return any ? row : Row{};
}

// Points as rows, key metrics as columns.
TextTable by_point(const std::vector<CaseReport>& cases, RowNotes& notes) {
  const std::vector<std::string> paths = swept_paths(cases);
  const std::vector<KeyColumn> columns = columns_of(cases, paths);
  TextTable table;
  table.header = {"case"};
  for (const KeyColumn& column : columns) table.header.emplace_back(column.heading);
  for (const std::size_t i : shown_cases(cases, kMostRows)) {
    Row row = {printable(case_title(cases[i], paths))};
    if (cases[i].status != CaseStatus::kDone) row.front() += ": " + status_text(cases[i]);
    row.front() += notes.mark(cases[i]);
    for (const KeyColumn& column : columns) row.push_back(readable_metric(cases[i], column.key));
    table.rows.push_back(std::move(row));
    if (Row range = interval_row(cases[i], columns); !range.empty())
      table.rows.push_back(std::move(range));
  }
  return table;
}

// A case and its baselines as columns: values, and differences from the case.
TextTable with_baselines(const CaseReport& report, const std::vector<std::string>& paths) {
  TextTable table;
  table.header = {"", printable(case_title(report, paths))};
  for (const CaseReport& twin : report.baselines)
    table.header.push_back(printable(baseline_title(report, twin)));
  for (const Metric key : baseline_metrics()) {
    if (!metric(report, key)) continue;
    Row row = {metric_row(key).label, readable_metric(report, key)};
    for (const CaseReport& twin : report.baselines) {
      const std::optional<double> change = relative_difference(report, twin, key);
      row.push_back(readable_metric(twin, key) +
                    (change ? fmt::format(" ({:+.1f}\u00a0%)", 100 * *change) : ""));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string paragraph(const std::string& text, int width) {
  return wrapped_text(printable(text), width);
}

// The rows of a sweep that there is room for, and what is against some of them.
std::string sweep_text(const std::vector<CaseReport>& cases, int columns) {
  RowNotes notes;
  std::string text = render(by_point(cases, notes), columns) + "\n";
  if (const std::string legend = notes.legend(columns); !legend.empty()) text += legend + "\n";
  if (cases.size() > kMostRows)
    text += paragraph(fmt::format("The {} best of {} rows; cases.csv has all of them.", kMostRows,
                                  cases.size()),
                      columns) +
            "\n";
  return text;
}

// A sentence per case whose devices communicate.
std::string network_text(const Report& report, int columns) {
  if (report.cases.size() > kMostColumns) return "";
  const std::vector<std::string> paths = swept_paths(report.cases);
  std::string text;
  for (const CaseReport& row : report.cases) {
    const std::string sentence = network_sentence(row.network);
    if (!sentence.empty()) text += paragraph(case_title(row, paths) + ": " + sentence, columns);
  }
  return text.empty() ? "" : "Network\n" + text + "\n";
}

}  // namespace

std::string report_text(const Report& report, int width) {
  const int columns = std::max(width, 40);
  std::string text =
      paragraph(report.question.empty() ? report.scenario : report.question, columns);
  text += "\n";
  if (!report.cases.empty()) {
    const bool sweep = !swept_paths(report.cases).empty() || report.cases.size() > kMostColumns;
    text += sweep ? sweep_text(report.cases, columns)
                  : render(side_by_side(report.cases), columns) + "\n";
  }
  for (const CaseReport& row : report.cases) {
    const bool shown = row.status == CaseStatus::kDone && !row.baselines.empty();
    if (!shown || report.cases.size() > kMostColumns) continue;
    text += "What other routing would have said\n" +
            render(with_baselines(row, swept_paths(report.cases)), columns) + "\n";
    text += paragraph(imbalance_sentence(row), columns) + "\n";
  }
  text += network_text(report, columns);
  if (const std::string sampling = sampling_sentence(report); !sampling.empty()) {
    text += paragraph(sampling, columns) + "\n";
  }
  text += answers_text(report, columns);
  return text + paragraph(verdict_text(report), columns);
}

}  // namespace moesim
