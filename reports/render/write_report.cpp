#include "reports/render/write_report.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/input_error.h"
#include "reports/render/html/report_html.h"
#include "reports/render/json/report_json.h"
#include "reports/render/report_csv.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw InputError({{path.string(), 0, "", why, "a folder that can be written"}});
}

// Removes a temporary file unless it has been renamed.
class Temporary {
 public:
  explicit Temporary(fs::path path) : path_(std::move(path)) {}
  ~Temporary() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write_file(const fs::path& path, const std::string& text) {
  const Temporary temporary(fs::path(path) += ".partial");
  std::ofstream out(temporary.path(), std::ios::binary);
  if (!out) refuse(path, "cannot be created");
  out << text;
  out.close();
  if (!out) refuse(path, "cannot be written: the disk may be full");
  std::error_code error;
  fs::rename(temporary.path(), path, error);
  if (error) refuse(path, error.message());
}

}  // namespace

void write_report(const Report& report, const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) refuse(folder, error.message());
  const auto replace = nlohmann::ordered_json::error_handler_t::replace;
  write_file(fs::path(folder) / "report.json",
             report_json(report).dump(1, ' ', false, replace) + "\n");
  write_file(fs::path(folder) / "cases.csv", report_csv(report));
  write_file(fs::path(folder) / "report.html", report_html(report));
}

void write_output(const std::string& folder, const std::string& name, const std::string& text) {
  write_file(fs::path(folder) / name, text);
}

}  // namespace moesim
