#include "scenarios/validate/predictions_csv.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace moesim {
namespace {

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\n") == std::string::npos) return cell;
  std::string out = "\"";
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string temporary_name(const std::string& path) {
  return fmt::format("{}.{}.part", path, getpid());
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw InputError({{"", 0, "--out", path, why}});
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

std::string predictions_csv(const ValidationPlan& plan) {
  std::string out = "id,metric,predicted,unit,status\n";
  for (const Measurement& m : plan.measurements()) {
    const bool predicted = m.skipped.empty();
    out += fmt::format("{},{},{},{},{}\n", quoted(m.id), quoted(m.metric),
                       predicted ? fmt::format("{:.9g}", m.predicted) : "", quoted(m.unit),
                       predicted ? "predicted" : quoted("skipped: " + m.skipped));
  }
  return out;
}

void check_can_write(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) refuse(path, "a file expected, not a folder");
  write_whole(temporary_name(path), "", path);
  std::remove(temporary_name(path).c_str());
}

void write_predictions(const ValidationPlan& plan, const std::string& path) {
  const std::string temporary = temporary_name(path);
  write_whole(temporary, predictions_csv(plan), path);
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (!error) return;
  std::remove(temporary.c_str());
  refuse(path, error.message());
}

}  // namespace moesim
