#include "scenarios/cases/row_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "base/data_folder.h"
#include "base/hash.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

// The rooms with shipped data, which in a source tree lie among the sources.
constexpr std::array<const char*, 3> kRooms = {"hardware", "models", "sim"};
constexpr std::array<const char*, 3> kDataFiles = {".csv", ".json", ".yaml"};

std::vector<fs::path> shipped_files(const fs::path& root) {
  std::vector<fs::path> files;
  for (const char* room : kRooms) {
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      const bool is_data = std::ranges::count(kDataFiles, entry.path().extension()) > 0;
      if (is_data && entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// All that the node says, with the length of each text before it, so that no two read alike.
void add_text(const YAML::Node& node, std::string& text) {
  if (node.IsScalar())
    text += fmt::format("{}{}:{}", node.Tag(), node.Scalar().size(), node.Scalar());
  if (node.IsNull()) text += "~";
  if (node.IsSequence()) {
    text += "[";
    for (const YAML::Node& item : node) add_text(item, text);
    text += "]";
  }
  if (node.IsMap()) {
    text += "{";
    for (const auto& entry : node) {
      add_text(entry.first, text);
      add_text(entry.second, text);
    }
    text += "}";
  }
}

std::string text_of(const YAML::Node& node) {
  std::string text;
  if (node.IsDefined()) add_text(node, text);
  return text + ";";
}

}  // namespace

std::string program_fingerprint() {
  Hasher all;
  all.add(read_file("/proc/self/exe"));
  const fs::path root = data_root();
  for (const fs::path& file : shipped_files(root)) {
    const std::string name = file.lexically_relative(root).string();
    all.add(fmt::format("\n{} {}", name, hash_of(read_file(file.string())).text()));
  }
  return all.hash().text();
}

// The text of a case and the files before one decide which file is read next. So their order and
// names are enough, and no folder enters the key. The program's fingerprint has the shipped files;
// those of a user may lie in the same source tree.
std::string RowKeys::files_text(const FileReads& files) {
  std::string text;
  for (const FileRead& file : files) {
    if (shipped_.contains(file.path)) continue;
    const std::string name = fs::path(file.path).filename().string();
    text += fmt::format("{}:{} {};", name.size(), name, file.content.text());
  }
  return text;
}

std::string RowKeys::key(const YAML::Node& root, std::size_t case_index,
                         const FileReads& common_files, const FileReads& case_files,
                         bool common_changes) {
  if (program_.empty()) {
    program_ = program_fingerprint();
    for (const fs::path& file : shipped_files(data_root())) shipped_.insert(file.string());
  }
  if (common_.empty() || common_changes) {
    common_.clear();
    for (const char* part : {"seed", "site", "workload", "quality"}) common_ += text_of(root[part]);
    common_ += files_text(common_files);
  }
  return hash_of(program_ + "\n" + common_ + text_of(root["cases"][case_index]) +
                 files_text(case_files))
      .text();
}

std::string derived_key(const std::string& key, const std::string& what) {
  return hash_of(key + " " + what).text();
}

}  // namespace moesim
