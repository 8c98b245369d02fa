#include "reports/render/text/text_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace moesim {
namespace {

constexpr int kGap = 2;
constexpr int kMostColumnWidth = 26;
constexpr int kLeastColumnWidth = 14;

int longest_word(const std::string& text) {
  int longest = 0, current = 0;
  for (const char c : text) {
    const bool continuation = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    current = c == ' ' ? 0 : current + (continuation ? 0 : 1);
    longest = std::max(longest, current);
  }
  return longest;
}

const std::string& cell(const TextTable& table, std::size_t row, std::size_t column) {
  static const std::string kEmpty;
  const std::vector<std::string>& cells = row == 0 ? table.header : table.rows[row - 1];
  return column < cells.size() ? cells[column] : kEmpty;
}

// Wide enough for every word, and for every cell up to `most`; the first column is not narrowed.
int column_width(const TextTable& table, std::size_t column, int most) {
  if (column == 0) most = 2 * kMostColumnWidth;
  int width = 0;
  for (std::size_t row = 0; row <= table.rows.size(); ++row) {
    if (row > 0 && table.rows[row - 1].size() == 1) continue;
    const std::string& text = cell(table, row, column);
    width = std::max({width, std::min(text_width(text), most), longest_word(text)});
  }
  return width;
}

std::vector<int> column_widths(const TextTable& table, int most) {
  std::vector<int> widths;
  for (std::size_t c = 0; c < table.header.size(); ++c)
    widths.push_back(column_width(table, c, most));
  return widths;
}

// The widest columns with which the whole table fits; full ones if none do.
std::vector<int> fitting_widths(const TextTable& table, int width) {
  for (int most = kMostColumnWidth; most >= kLeastColumnWidth; --most) {
    std::vector<int> widths = column_widths(table, most);
    const int gaps = kGap * (static_cast<int>(widths.size()) - 1);
    if (std::accumulate(widths.begin(), widths.end(), gaps) <= width) return widths;
  }
  return column_widths(table, kMostColumnWidth);
}

std::string padded(const std::string& text, int width, bool right) {
  const std::string space(static_cast<std::size_t>(std::max(0, width - text_width(text))), ' ');
  return right ? space + text : text + space;
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

class Renderer {
 public:
  Renderer(const TextTable& table, std::vector<int> widths)
      : table_(table), widths_(std::move(widths)) {}

  // One block: the first column and columns [from, to).
  std::string block(std::size_t from, std::size_t to) const {
    std::vector<std::size_t> columns = {0};
    int total = widths_[0];
    for (std::size_t c = from; c < to; ++c) {
      columns.push_back(c);
      total += kGap + widths_[c];
    }
    std::string text = row_text(0, columns);
    text += std::string(static_cast<std::size_t>(total), '-') + "\n";
    std::string heading;
    for (std::size_t row = 1; row <= table_.rows.size(); ++row) {
      if (table_.rows[row - 1].size() == 1) {
        heading = "\n" + trimmed(table_.rows[row - 1][0]);
      } else if (has_news(row, from, to)) {
        text += std::exchange(heading, "") + row_text(row, columns);
      }
    }
    return text;
  }

 private:
  bool has_news(std::size_t row, std::size_t from, std::size_t to) const {
    for (std::size_t c = from; c < to; ++c)
      if (const std::string& text = cell(table_, row, c); !text.empty() && text != "-") return true;
    return false;
  }

  std::string row_text(std::size_t row, const std::vector<std::size_t>& columns) const {
    std::vector<std::vector<std::string>> lines;
    std::size_t height = 1;
    for (const std::size_t c : columns) {
      lines.push_back(wrapped(cell(table_, row, c), widths_[c]));
      height = std::max(height, lines.back().size());
    }
    std::string text;
    for (std::size_t h = 0; h < height; ++h) {
      std::string line;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        const std::string& part = h < lines[i].size() ? lines[i][h] : "";
        if (i > 0) line += std::string(kGap, ' ');
        line += padded(part, widths_[columns[i]], i > 0);
      }
      text += trimmed(line);
    }
    return text;
  }

  const TextTable& table_;
  std::vector<int> widths_;
};

}  // namespace

int text_width(const std::string& text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::vector<std::string> wrapped(const std::string& text, int width) {
  std::vector<std::string> lines;
  std::string line;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && text_width(line) + 1 + text_width(word) > width) {
      lines.push_back(line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  lines.push_back(line);
  return lines;
}

std::string wrapped_text(const std::string& text, int width) {
  std::string lines;
  for (const std::string& line : wrapped(text, width)) lines += line + "\n";
  return lines;
}

std::string render(const TextTable& table, int width) {
  const std::vector<int> widths = fitting_widths(table, width);
  const Renderer renderer(table, widths);
  std::string text;
  std::size_t from = 1;
  while (from < table.header.size()) {
    int used = widths[0];
    std::size_t to = from;
    while (to < table.header.size() && (to == from || used + kGap + widths[to] <= width))
      used += kGap + widths[to++];
    text += (text.empty() ? "" : "\n") + renderer.block(from, to);
    from = to;
  }
  return text;
}

}  // namespace moesim
