// The output folder of a report, checked before hours of simulation depend on it.
#pragma once

#include <string>

namespace moesim {

// Creates the folder if it is missing and tries to write into it.
// Throws: InputError if that fails.
void check_writable(const std::string& folder);

// Locks a folder against other runs while alive; the kernel unlocks it if this process dies.
class FolderLock {
 public:
  // Throws: InputError if another run keeps the lock for more than three seconds.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace moesim
