#include "scenarios/sweep/row_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/data_folder.h"
#include "base/random.h"
#include "models/router/bank/bank_cache.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kMostContent = 64'000'000;
constexpr int kMostDepth = 4;  // Scenario, node, device, measured table.
constexpr std::size_t kLongestName = 1000;

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
  if (!node.IsScalar() || !is_name(node.Scalar())) return text;
  // "own-engine.yaml 0.8" names a file and its release.
  const std::string first_word = node.Scalar().substr(0, node.Scalar().find(' '));
  for (const std::string& name : {node.Scalar(), first_word}) {
    for (const fs::path& path : meant(name, folder)) text += file_hash(path.string(), depth);
    if (first_word == node.Scalar()) break;
  }
  return text;
}

// Empty where there is no such file.
const std::string& RowKeys::file_hash(const std::string& path, int depth) {
  const auto [found, is_new] = hashes_.try_emplace(path);
  std::string& hash = found->second;
  std::error_code error;
  if (!is_new || path == file_ || !fs::exists(path, error)) return hash;
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

std::string RowKeys::key(const YAML::Node& root, std::size_t case_index) {
  if (program_.empty()) program_ = program_fingerprint();
  const std::string folder = fs::path(file_).parent_path().string();
  YAML::Emitter out;
  std::string files;
  out << YAML::BeginSeq;
  for (const char* part : {"seed", "site", "workload", "quality"}) {
    const YAML::Node node = root[part];
    out << (node.IsDefined() ? node : YAML::Node());
    if (node.IsDefined()) files += named_files(node, folder, 0) + ";";
  }
  const YAML::Node one = root["cases"][case_index];
  out << one << YAML::EndSeq;
  files += named_files(one, folder, 0);
  return digest(fmt::format("{}\n{}\n{}", program_, out.c_str(), files));
}

std::string derived_key(const std::string& key, const std::string& what) {
  return digest(key + " " + what);
}

}  // namespace moesim
