#include "scenarios/run/remove_database.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/input_error.h"
#include "scenarios/run/database.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

// An SQLite file begins with this text and a zero; at byte 68 it has the id of the application that
// made it, the highest byte first. Source: sqlite.org/fileformat2.html, section 1.3.
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::size_t kApplicationAt = 68;
constexpr std::size_t kApplicationBytes = 4;

bool is_ours(const fs::path& path) {
  std::array<char, kApplicationAt + kApplicationBytes> header{};
  std::ifstream in(path, std::ios::binary);
  in.read(header.data(), header.size());
  const std::string_view read(header.data(), static_cast<std::size_t>(in.gcount()));
  if (read.size() < header.size() || !read.starts_with(kMagic)) return false;
  std::int64_t application = 0;
  for (const char byte : read.substr(kApplicationAt)) {
    application = application * 256 + static_cast<unsigned char>(byte);
  }
  return application == kApplicationId;
}

}  // namespace

void remove_database(const std::string& folder) {
  const fs::path path = fs::path(folder) / kDatabaseFile;
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status)) {
    const bool is_file = fs::is_regular_file(status);
    const bool is_empty = is_file && fs::file_size(path, error) == 0;
    if (!is_empty && !(is_file && is_ours(path))) {
      throw InputError({{path.string(), 0, "", is_file ? "not a database of moesim" : "not a file",
                         "--fresh removes only what moesim wrote; choose another --out DIR, or "
                         "move this away"}});
    }
  }
  for (const char* end : {"", "-journal", ".partial", ".partial-journal"}) {
    const fs::path file = path.string() + end;
    if (!fs::is_directory(fs::symlink_status(file, error))) fs::remove(file, error);
  }
}

}  // namespace moesim
