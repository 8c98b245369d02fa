#include "scenarios/validate/output_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/input_error.h"

namespace moesim {
namespace {

std::string temporary_name(const std::string& path) {
  return fmt::format("{}.{}.part", path, getpid());
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw InputError({{"", 0, "", path, why}});
}

// `path` is what the user asked for.
void write_whole(const std::string& file_name, const std::string& text, const std::string& path) {
  std::ofstream file(file_name, std::ios::binary);
  file << text;
  file.close();
  if (file) return;
  std::remove(file_name.c_str());
  refuse(path, "a file that can be written expected");
}

}  // namespace

void check_can_write(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) refuse(path, "a file expected, not a folder");
  write_whole(temporary_name(path), "", path);
  std::remove(temporary_name(path).c_str());
}

void write_file(const std::string& text, const std::string& path) {
  const std::string temporary = temporary_name(path);
  write_whole(temporary, text, path);
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (!error) return;
  std::remove(temporary.c_str());
  refuse(path, error.message());
}

}  // namespace moesim
