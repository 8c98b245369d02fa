// Which files were read meanwhile, as compilers write depfiles: a result that rests on them can
// tell when one has changed.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace moesim {

struct FileRead {
  std::string path;  // As it was opened.
  Hash content;      // Of the bytes that were read.
};
using FileReads = std::vector<FileRead>;  // In the order of reading; a file may recur.

// Logs the files that this thread reads during its life. Logs nest: the inner one's files are in
// the outer one as well.
class ReadLog {
 public:
  ReadLog();
  ~ReadLog();
  ReadLog(const ReadLog&) = delete;
  ReadLog& operator=(const ReadLog&) = delete;

  const FileReads& files() const { return files_; }

  // Whether any log would take what is added.
  static bool is_on();
  // To be called by whoever reads a file, or hands out again what was made from it.
  static void add(const std::string& path, const Hash& content);
  static void add(const FileReads& files);

 private:
  FileReads files_;
  ReadLog* outer_;
};

// Something that was made from files, and these.
template <class T>
struct MadeOf {
  T value;
  FileReads files;
};

// The entry of `kept` with this name, made by make() the first time. Its files are logged every
// time. What make() throws goes on to the caller, and nothing is kept.
template <class T, class Make>
const T& made_once(std::map<std::string, MadeOf<T>>& kept, const std::string& name, Make make) {
  if (const auto found = kept.find(name); found != kept.end()) {
    ReadLog::add(found->second.files);
    return found->second.value;
  }
  const ReadLog log;
  T value = make();
  return kept.emplace(name, MadeOf<T>{std::move(value), log.files()}).first->second.value;
}

}  // namespace moesim
