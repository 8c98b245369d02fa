#include "scenarios/cases/row_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/data_folder.h"
#include "base/random.h"
#include "models/router/make/bank_cache.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kMostContent = 64'000'000;
constexpr int kMostDepth = 4;  // Scenario, node, device, measured table.
constexpr std::size_t kLongestName = 1000;
constexpr std::size_t kMostNameless = 10'000;

// Two independent hashes make a collision unthinkable.
std::string digest(const std::string& text) {
  return fmt::format("{:016x}{:016x}", text_hash(text), content_hash(text));
}

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::string content(static_cast<std::size_t>(std::max<std::streamoff>(0, in.tellg())), '\0');
  in.seekg(0);
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  return content;
}

std::string size_and_date(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  const auto date = fs::last_write_time(path, error).time_since_epoch().count();
  return fmt::format("{} {} {}\n", path.filename().string(), error ? 0 : size, date);
}

// Names, sizes and dates of a checkpoint's files: they are too large to be read for this.
std::string listing(const fs::path& folder) {
  std::vector<std::string> lines;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".safetensors") lines.push_back(size_and_date(entry.path()));
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

// Where a scenario or profile may mean a file by `name`. References of profiles: FOLDER/NAME.yaml,
// FOLDER/KIND/NAME.yaml, FOLDER/../KIND/NAME.yaml.
std::vector<fs::path> meant(const std::string& name, const fs::path& folder) {
  std::vector<fs::path> paths = {folder / name};
  if (name.find_first_of("/.") != std::string::npos) paths.emplace_back(name);
  paths.push_back(folder / (name + ".yaml"));
  for (const char* kind : {"devices", "nodes", "fabrics", "sites", "links", "families"}) {
    paths.push_back(folder / kind / (name + ".yaml"));
    paths.push_back(folder / ".." / kind / (name + ".yaml"));
  }
  return paths;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() < kLongestName && text.find('\n') == std::string::npos &&
         text != "." && text != "..";
}

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

}  // namespace

std::string program_fingerprint() {
  std::string text = fmt::format("{:016x}", content_hash(content_of("/proc/self/exe")));
  for (const char* kind : {"models/catalog", "models/quality", "hardware/profiles", "sim/engines",
                           "models/router/tokens"}) {
    std::vector<fs::path> files;
    std::error_code error;
    const fs::path folder = data_folder(kind);
    for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
      if (entry.is_regular_file(error)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      text += fmt::format(" {} {:016x}", fs::relative(file, folder, error).string(),
                          content_hash(content_of(file)));
    }
  }
  return digest(text);
}

std::string RowKeys::named_files(const YAML::Node& node, const std::string& folder, int depth) {
  std::string text;
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) text += named_files(item, folder, depth);
  }
  if (node.IsMap()) {
    for (const auto& entry : node) text += named_files(entry.second, folder, depth);
  }
  return node.IsScalar() ? files_called(node.Scalar(), folder, depth) : text;
}

// Most values of a sweep name no file, and finding that out takes longer than all else of a key.
std::string RowKeys::files_called(const std::string& name, const std::string& folder, int depth) {
  if (!is_name(name)) return "";
  const std::string both = folder + "\n" + name;
  if (nameless_.contains(both)) return "";
  std::string text;
  // "own-engine.yaml 0.8" names a file and its release.
  const std::string first_word = name.substr(0, name.find(' '));
  for (const std::string& called : {name, first_word}) {
    for (const fs::path& path : meant(called, folder)) text += file_hash(path.string(), depth);
    if (first_word == name) break;
  }
  if (nameless_.size() >= kMostNameless) nameless_.clear();
  if (text.empty()) nameless_.insert(both);
  return text;
}

// Empty where there is no such file.
std::string RowKeys::file_hash(const std::string& path, int depth) {
  std::error_code error;
  if (path == file_) return "";
  if (const auto known = hashes_.find(path); known != hashes_.end()) return known->second;
  if (!fs::exists(path, error)) return "";
  std::string& hash = hashes_[path];
  if (fs::is_directory(path, error))
    return hash = listing(path).empty() ? "" : digest(listing(path));
  if (!fs::is_regular_file(path, error)) return hash;
  if (fs::file_size(path, error) > kMostContent) return hash = digest(size_and_date(path));
  std::string text = content_of(path);
  const std::string folder = fs::path(path).parent_path().string();
  if (path.ends_with(".index.json")) text += listing(folder);
  if (path.ends_with(".yaml") && depth < kMostDepth) {
    try {
      text += named_files(parse_document(text, path), folder, depth + 1);
    } catch (const InputError&) {
      // Whoever reads the file says what is wrong with it.
    }
  }
  return hash = digest(text);
}

// All that the node says, with the length of each text before it, so that no two read alike; and
// the files that it names.
std::string RowKeys::text_of(const YAML::Node& node) {
  if (!node.IsDefined()) return ";";
  const std::string folder = fs::path(file_).parent_path().string();
  std::string text;
  add_text(node, text);
  return text + named_files(node, folder, 0) + ";";
}

std::string RowKeys::key(const YAML::Node& root, std::size_t case_index, bool common_changes) {
  if (program_.empty()) program_ = program_fingerprint();
  if (common_.empty() || common_changes) {
    common_.clear();
    for (const char* part : {"seed", "site", "workload", "quality"}) common_ += text_of(root[part]);
  }
  return digest(program_ + "\n" + common_ + text_of(root["cases"][case_index]));
}

std::string derived_key(const std::string& key, const std::string& what) {
  return digest(key + " " + what);
}

}  // namespace moesim
