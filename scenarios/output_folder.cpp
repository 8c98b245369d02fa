#include "scenarios/output_folder.h"

#include <filesystem>
#include <fstream>

#include "base/input_error.h"

namespace moesim {

void check_writable(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::filesystem::path probe = std::filesystem::path(folder) / ".moesim-write-probe";
  const bool writable = !error && std::ofstream(probe).put('\n').flush().good();
  std::filesystem::remove(probe, error);
  if (!writable) {
    throw InputError(
        {{folder, 0, "", "", "the output folder cannot be written; choose --out DIR"}});
  }
}

}  // namespace moesim
