// Rows of a JSON file: an object per line (.jsonl), or a list of objects (.json).
#pragma once

#include <string>
#include <string_view>

#include "models/router/recorded/input_file.h"
#include "scenarios/format/trace/row_source.h"

namespace moesim {

class JsonLines : public RowSource {
 public:
  JsonLines(const InputFile& file, FileFaults& faults) : lines_(file), faults_(faults) {}
  bool next() override;

 private:
  LineReader lines_;
  FileFaults& faults_;
};

class JsonList : public RowSource {
 public:
  JsonList(const InputFile& file, FileFaults& faults);
  bool next() override;

 private:
  // The text of the next object; empty after the last, or after a fault.
  std::string_view next_object();
  // Behind the closing brace of the object that begins at `at`, or npos.
  std::size_t end_of_object(std::size_t at) const;
  // Moves on, counting lines.
  void move_to(std::size_t at);

  std::string text_;
  std::size_t at_ = 0;
  std::int64_t lines_before_ = 0;
  FileFaults& faults_;
};

}  // namespace moesim
