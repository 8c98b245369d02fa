#include "models/router/make/cache_eviction.h"

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <vector>

namespace moesim {

namespace fs = std::filesystem;

namespace {

struct KeptFile {
  fs::file_time_type used;
  std::uintmax_t bytes;
  fs::path path;
};

// Banks and remains of banks that were being written, the longest unused first. Other processes may
// remove some of them meanwhile.
std::vector<KeptFile> kept_files(const std::string& folder) {
  std::vector<KeptFile> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    if (path.filename().string().find(".bank") == std::string::npos) continue;
    std::error_code gone;
    const fs::file_time_type used = fs::last_write_time(path, gone);
    const std::uintmax_t bytes = gone ? 0 : fs::file_size(path, gone);
    if (!gone) files.push_back({used, bytes, path});
  }
  std::ranges::sort(files, {}, [](const KeptFile& file) { return std::tie(file.used, file.path); });
  return files;
}

}  // namespace

void mark_used(const std::string& path) {
  std::error_code error;
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);
}

void evict_banks(const std::string& folder, std::uintmax_t most, std::uintmax_t free) {
  std::error_code error;
  const std::uintmax_t available = fs::space(folder, error).available;
  if (error) return;
  const std::vector<KeptFile> files = kept_files(folder);
  std::uintmax_t total = 0;
  for (const KeptFile& file : files) total += file.bytes;
  std::uintmax_t removed = 0;
  for (const KeptFile& file : files) {
    if (total - removed <= most && available + removed >= free) return;
    fs::remove(file.path, error);
    removed += file.bytes;
  }
}

}  // namespace moesim
