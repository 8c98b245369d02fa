// The folder that a report goes to, checked before hours of work depend on it.
#pragma once

#include <string>

namespace moesim {

// Makes the folder if it is missing and tries to write into it.
// Throws: InputError if that fails.
void check_writable(const std::string& folder);

// Holds a folder against other runs while alive; the kernel lets go of it if this process dies.
class FolderLock {
 public:
  // Throws: InputError if another run holds the folder for longer than a dying one would.
  explicit FolderLock(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace moesim
