// A table of text cells for a terminal: columns as wide as needed, long cells wrapped, and blocks
// of columns below each other where they do not fit side by side.
#pragma once

#include <string>
#include <vector>

namespace moesim {

struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // A row of one cell is a heading.
};

// Columns on a terminal that a UTF-8 text takes, one per code point.
int text_width(const std::string& text);

// The text broken at spaces into lines of at most `width` columns; longer words stay whole.
std::vector<std::string> wrapped(const std::string& text, int width);

// The same as one text, a line break after each line.
std::string wrapped_text(const std::string& text, int width);

// Columns are narrowed down to 14 if all of them fit then; else the first one is repeated in every
// block, and a block leaves out rows that are empty or "-" all through. Lines have no trailing
// spaces.
std::string render(const TextTable& table, int width);

}  // namespace moesim
