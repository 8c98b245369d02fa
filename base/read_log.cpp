#include "base/read_log.h"

namespace moesim {
namespace {

thread_local ReadLog* innermost = nullptr;

}  // namespace

ReadLog::ReadLog() : outer_(innermost) {
  innermost = this;
}

ReadLog::~ReadLog() {
  innermost = outer_;
  if (outer_ != nullptr) outer_->files_.insert(outer_->files_.end(), files_.begin(), files_.end());
}

bool ReadLog::is_on() {
  return innermost != nullptr;
}

void ReadLog::add(const std::string& path, const Hash& content) {
  if (is_on()) innermost->files_.push_back({path, content});
}

void ReadLog::add(const FileReads& files) {
  if (!is_on()) return;
  innermost->files_.insert(innermost->files_.end(), files.begin(), files.end());
}

}  // namespace moesim
