#include "scenarios/run/output_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/input_error.h"

namespace moesim {

void check_writable(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  // A name of its own, so that nothing that lies there is written to, not even behind a link.
  std::string probe = (std::filesystem::path(folder) / ".moesim-write-XXXXXX").string();
  const int file = error ? -1 : mkostemp(probe.data(), O_CLOEXEC);
  const bool writable = file >= 0 && write(file, "\n", 1) == 1;
  if (file >= 0) {
    close(file);
    unlink(probe.c_str());
  }
  if (!writable) {
    throw InputError(
        {{folder, 0, "", "", "the output folder cannot be written; choose --out DIR"}});
  }
}

// Locks the folder itself, which leaves no file behind. Children of a killed run may hold the lock
// for a moment. File systems without such locks (some network ones) are not locked.
FolderLock::FolderLock(const std::string& folder)
    : folder_(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  using Clock = std::chrono::steady_clock;
  const auto patience = Clock::now() + std::chrono::seconds(3);
  while (folder_ >= 0 && flock(folder_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return;
    if (Clock::now() > patience) {
      close(folder_);
      throw InputError({{folder, 0, "", "another run is writing into this folder",
                         "wait for its end or choose another --out DIR"}});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

FolderLock::~FolderLock() {
  if (folder_ >= 0) close(folder_);
}

}  // namespace moesim
