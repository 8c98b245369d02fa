// Names of results: a hash of all that the result of a case rests on, so that an edited scenario, a
// changed trace or another build of the program never takes a stale result for its own.
#pragma once

#include <string>
#include <unordered_set>

#include "base/document.h"
#include "base/read_log.h"

namespace moesim {

class RowKeys {
 public:
  // 32 hexadecimal digits from: the program and its shipped data, site, workload, seed and the case
  // as the document says them with every setting in place, and what was read of the files that
  // these name, directly or through a profile. Where the files lie does not matter.
  // `common_changes` = whether more than the case may differ from the last call's document.
  std::string key(const YAML::Node& root, std::size_t case_index, const FileReads& common_files,
                  const FileReads& case_files, bool common_changes = true);

 private:
  std::string files_text(const FileReads& files);

  std::string program_;
  std::unordered_set<std::string> shipped_;  // Paths of the shipped data.
  std::string common_;                       // Of the last call.
};

// The key of something derived from the case of a key: its twin, a sample of it.
std::string derived_key(const std::string& key, const std::string& what);

// The program and its shipped data as 32 hexadecimal digits: other builds have others.
std::string program_fingerprint();

}  // namespace moesim
