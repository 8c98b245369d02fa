#include "models/router/recorded/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

#include "base/read_log.h"

namespace moesim {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

void refuse_file(const std::string& path, const std::string& found, const std::string& allowed) {
  throw InputError({{path, 0, "", found, allowed}});
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kMost)) out += c >= ' ' && c <= '~' ? c : '?';
  return out + (text.size() > kMost ? "...\"" : "\"");
}

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  // Without O_NONBLOCK a pipe that nobody writes to would block here.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) {
    refuse_file(path_, fmt::format("cannot be opened ({})", std::strerror(errno)),
                "a file that can be read");
  }
  struct stat status = {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && S_ISREG(status.st_mode) && status.st_size > 0) {
    size_ = status.st_size;
    if (ReadLog::is_on()) read_.emplace().add(fmt::format("{}\n", size_));
    return;
  }
  ::close(descriptor_);
  if (known && S_ISDIR(status.st_mode)) refuse_file(path_, "a folder", "a file");
  if (known && S_ISREG(status.st_mode)) refuse_file(path_, "empty", "a file with data");
  refuse_file(path_, "no regular file", "a file");
}

InputFile::~InputFile() {
  ::close(descriptor_);
  if (read_) ReadLog::add(path_, read_->hash());
}

std::string InputFile::name() const {
  return std::filesystem::path(path_).filename().string();
}

void InputFile::read(std::int64_t offset, std::span<char> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done,
                                offset + static_cast<std::int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      refuse_file(path_, fmt::format("cannot be read ({})", std::strerror(errno)),
                  "a file that can be read");
    }
    if (got == 0) {
      refuse_file(path_, fmt::format("ends at byte {}", offset + static_cast<std::int64_t>(done)),
                  fmt::format("at least {} bytes", offset + static_cast<std::int64_t>(out.size())));
    }
    done += static_cast<std::size_t>(got);
  }
  if (read_) read_->add(fmt::format("{} {}\n", offset, out.size())).add({out.data(), out.size()});
}

// Appends the next block; false at the end of the file.
bool LineReader::fill() {
  const std::int64_t left = file_.size() - offset_;
  if (left <= 0) return false;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
  begin_ = 0;
  // A line longer than the buffer doubles it, so that long lines take linear time.
  const std::size_t kept = buffer_.size();
  const std::size_t more = std::min(static_cast<std::size_t>(left), std::max(kBlockBytes, kept));
  buffer_.resize(kept + more);
  file_.read(offset_, std::span(buffer_).subspan(kept));
  offset_ += static_cast<std::int64_t>(more);
  return true;
}

bool LineReader::next() {
  std::size_t searched = 0;
  while (true) {
    const std::string_view rest(buffer_.data() + begin_, buffer_.size() - begin_);
    const std::size_t end = rest.find('\n', searched);
    searched = rest.size();
    if (end == std::string_view::npos && fill()) continue;
    if (end == std::string_view::npos && rest.empty()) return false;
    ++number_;
    text_ = trimmed(rest.substr(0, end));
    begin_ += end == std::string_view::npos ? rest.size() : end + 1;
    if (!text_.empty()) return true;
    searched = 0;
  }
}

void FileFaults::add(std::int64_t line, const std::string& path, const std::string& value,
                     const std::string& allowed) {
  ++count_;
  if (count_ > kMost) return;
  const auto shown_line =
      static_cast<int>(std::min<std::int64_t>(line, std::numeric_limits<int>::max()));
  faults_.push_back({file_, shown_line, path, value, allowed});
}

void FileFaults::throw_if_any() const {
  if (faults_.empty()) return;
  std::vector<Fault> all = faults_;
  if (count_ > kMost) {
    all.push_back({file_, 0, "", fmt::format("and {} more faults", count_ - kMost), ""});
  }
  throw InputError(std::move(all));
}

}  // namespace moesim
