// Recorded files as bytes and lines. They come from anywhere, so that only regular files are opened
// (a pipe could block for ever) and nothing is ever allocated beyond the size of the file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/input_error.h"

namespace moesim {

// A regular file, open for reading at any place. A read log (base/read_log.h) takes what was read
// of it: a checkpoint of hundreds of gigabytes is never read as a whole.
class InputFile {
 public:
  // Throws: InputError if the file is missing, a folder, no regular file, empty or unreadable.
  explicit InputFile(std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  // The path without its folder.
  std::string name() const;
  // Bytes, at least 1.
  std::int64_t size() const { return size_; }
  // Fills `out` with the bytes from `offset` on.
  // Throws: InputError if the file ends before that, or no longer reads.
  void read(std::int64_t offset, std::span<char> out) const;

 private:
  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  mutable std::optional<Hasher> read_;  // Size, and all places and bytes that were read; if logged.
};

// The lines of a text file in order, without their ends and the blanks around them.
class LineReader {
 public:
  explicit LineReader(const InputFile& file) : file_(file) {}

  // Moves to the next line that is not blank; false after the last.
  bool next();
  // The line that next() moved to; valid until the next call.
  std::string_view text() const { return text_; }
  // 1-based.
  std::int64_t number() const { return number_; }

 private:
  bool fill();

  const InputFile& file_;
  std::vector<char> buffer_;  // Bytes of the file that end at `offset_` ...
  std::size_t begin_ = 0;     // ... of which those before this one were returned already.
  std::int64_t offset_ = 0;
  std::int64_t number_ = 0;
  std::string_view text_;
};

// The faults of one file, all at once but no more than can be read: the first 20 and how many more
// there are.
class FileFaults {
 public:
  explicit FileFaults(std::string file) : file_(std::move(file)) {}

  // False once a further fault would only be counted.
  bool room() const { return count_ < kMost; }
  // `line` 0 = no line.
  void add(std::int64_t line, const std::string& path, const std::string& value,
           const std::string& allowed);
  bool empty() const { return count_ == 0; }
  // Throws: InputError if any fault was added.
  void throw_if_any() const;

 private:
  static constexpr std::int64_t kMost = 20;

  std::string file_;
  std::vector<Fault> faults_;
  std::int64_t count_ = 0;
};

// Foreign text as it can stand in a message: one short line of printable ASCII in quotes.
std::string shown(std::string_view text);

// Throws: InputError with one fault of a whole file.
[[noreturn]] void refuse_file(const std::string& path, const std::string& found,
                              const std::string& allowed);

}  // namespace moesim
