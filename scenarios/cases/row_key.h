// Names of results: a hash of all that the result of a case rests on, so that an edited scenario, a
// changed trace or another build of the program never takes a stale result for its own.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/document.h"
#include "hardware/spec/variation.h"

namespace moesim {

class RowKeys {
 public:
  // `file` = the scenario's, beside which the files that it names are looked for.
  explicit RowKeys(std::string file) : file_(std::move(file)) {}

  // 32 hexadecimal digits from: the program and its shipped data, site, workload, seed and the case
  // as the document says them with every setting in place, and the content of each file that these
  // name, directly or through a profile (of files beyond 64 MB: size and date).
  // `common_changes` = whether more than the case may differ from the last call's document.
  std::string key(const YAML::Node& root, std::size_t case_index, bool common_changes = true);

 private:
  std::string text_of(const YAML::Node& node);
  std::string named_files(const YAML::Node& node, const std::string& folder, int depth);
  std::string files_called(const std::string& name, const std::string& folder, int depth);
  std::string file_hash(const std::string& path, int depth);

  std::string file_;
  std::string program_;
  std::string common_;                         // Of the last call.
  std::map<std::string, std::string> hashes_;  // Of files, by path.
  std::set<std::string> nameless_;             // Folder and text that names no file; not all.
};

// The key of something derived from the case of a key: its twin, a draw of it.
std::string derived_key(const std::string& key, const std::string& what);

// The program and its shipped data as 32 hexadecimal digits: other builds have others.
std::string program_fingerprint();

}  // namespace moesim
