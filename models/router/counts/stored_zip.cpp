#include "models/router/counts/stored_zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace moesim {

static_assert(std::endian::native == std::endian::little, "zip files are little-endian");

namespace {

constexpr std::uint32_t kEntryMark = 0x02014b50;
constexpr std::uint32_t kHeaderMark = 0x04034b50;
constexpr std::uint32_t kEndMark = 0x06054b50;
constexpr std::uint32_t kEnd64Mark = 0x06064b50;
constexpr std::uint32_t kLocatorMark = 0x07064b50;
constexpr std::int64_t kEntryBytes = 46, kHeaderBytes = 30, kEndBytes = 22, kEnd64Bytes = 56;
constexpr std::int64_t kLocatorBytes = 20, kMostComment = 65535;
constexpr std::uint32_t kIn64 = 0xFFFFFFFF;  // The number stands in the zip64 field.
constexpr std::uint16_t kExtra64 = 1;
constexpr const char* kAllowed = "a file as torch.save writes it since PyTorch 1.6";

template <typename Number>
Number at(const std::vector<char>& bytes, std::int64_t offset) {
  Number number;
  std::memcpy(&number, bytes.data() + offset, sizeof(Number));
  return number;
}

std::vector<char> bytes_at(const InputFile& file, std::int64_t begin, std::int64_t size) {
  if (begin < 0 || size < 0 || begin > file.size() - size) {
    refuse_file(file.path(), "a zip file that is damaged or cut short", kAllowed);
  }
  std::vector<char> bytes(static_cast<std::size_t>(size));
  file.read(begin, bytes);
  return bytes;
}

// Sizes and places above 32 bits, in the order in which the directory has them.
class Extra64 {
 public:
  Extra64(const std::vector<char>& bytes, std::int64_t begin, std::int64_t end) : bytes_(bytes) {
    while (end - begin >= 4) {
      const std::int64_t size = at<std::uint16_t>(bytes, begin + 2);
      if (at<std::uint16_t>(bytes, begin) == kExtra64) {
        next_ = begin + 4;
        end_ = std::min(next_ + size, end);
        return;
      }
      begin += 4 + size;
    }
  }

  // The number itself, or that of the field; -1 if there is none.
  std::int64_t whole(std::uint32_t number) {
    if (number != kIn64) return number;
    if (end_ - next_ < 8) return -1;
    const auto wide = at<std::uint64_t>(bytes_, next_);
    next_ += 8;
    return wide > static_cast<std::uint64_t>(INT64_MAX) ? -1 : static_cast<std::int64_t>(wide);
  }

 private:
  const std::vector<char>& bytes_;
  std::int64_t next_ = 0, end_ = 0;
};

struct Directory {
  std::int64_t begin = 0, size = 0, entries = 0;
};

Directory directory_of(const InputFile& file) {
  const std::int64_t tail = std::min(file.size(), kEndBytes + kMostComment);
  const std::vector<char> bytes = bytes_at(file, file.size() - tail, tail);
  for (std::int64_t end = tail - kEndBytes; end >= 0; --end) {
    if (at<std::uint32_t>(bytes, end) != kEndMark) continue;
    const std::int64_t locator = end - kLocatorBytes;
    if (locator < 0 || at<std::uint32_t>(bytes, locator) != kLocatorMark) {
      return {at<std::uint32_t>(bytes, end + 16), at<std::uint32_t>(bytes, end + 12),
              at<std::uint16_t>(bytes, end + 10)};
    }
    const std::vector<char> wide =
        bytes_at(file, at<std::int64_t>(bytes, locator + 8), kEnd64Bytes);
    if (at<std::uint32_t>(wide, 0) != kEnd64Mark) break;
    return {at<std::int64_t>(wide, 48), at<std::int64_t>(wide, 40), at<std::int64_t>(wide, 32)};
  }
  refuse_file(file.path(), "a zip file without a directory: damaged or cut short", kAllowed);
}

void check_mark(const InputFile& file) {
  std::vector<char> start(static_cast<std::size_t>(std::min<std::int64_t>(4, file.size())));
  file.read(0, start);
  if (start.size() == 4 && at<std::uint32_t>(start, 0) == kHeaderMark) return;
  const bool is_pickle = start[0] == '\x80';
  refuse_file(file.path(),
              is_pickle ? "a pickle, or torch.save's format before PyTorch 1.6" : "no zip file",
              kAllowed);
}

}  // namespace

StoredZip::StoredZip(const std::string& path) : file_(path) {
  check_mark(file_);
  const Directory found = directory_of(file_);
  read_directory(found.begin, found.size, found.entries);
}

void StoredZip::read_directory(std::int64_t begin, std::int64_t size, std::int64_t entries) {
  const std::vector<char> bytes = bytes_at(file_, begin, size);
  std::int64_t place = 0;
  for (std::int64_t i = 0; i < entries; ++i) {
    const auto damaged = [&] { refuse_file(file_.path(), "a damaged zip directory", kAllowed); };
    if (size - place < kEntryBytes || at<std::uint32_t>(bytes, place) != kEntryMark) damaged();
    const std::int64_t name = at<std::uint16_t>(bytes, place + 28);
    const std::int64_t extra = at<std::uint16_t>(bytes, place + 30);
    const std::int64_t comment = at<std::uint16_t>(bytes, place + 32);
    const std::int64_t text = place + kEntryBytes;
    if (size - text < name + extra + comment) damaged();
    Extra64 extra64(bytes, text + name, text + name + extra);
    const std::string whole(bytes.data() + text, static_cast<std::size_t>(name));
    ZipEntry entry;
    entry.name = whole.substr(whole.find('/') + 1);
    entry.size = extra64.whole(at<std::uint32_t>(bytes, place + 24));
    const std::int64_t packed = extra64.whole(at<std::uint32_t>(bytes, place + 20));
    entry.header = extra64.whole(at<std::uint32_t>(bytes, place + 42));
    entry.compressed = at<std::uint16_t>(bytes, place + 10) != 0 || packed != entry.size;
    if (entry.size < 0 || entry.header < 0) damaged();
    entries_.push_back(std::move(entry));
    place = text + name + extra + comment;
  }
}

const ZipEntry* StoredZip::find(std::string_view name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const ZipEntry& entry) { return entry.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

std::vector<char> StoredZip::read(const ZipEntry& entry) const {
  if (entry.compressed) {
    refuse_file(file_.path(), fmt::format("{} is compressed", shown(entry.name)), kAllowed);
  }
  const std::vector<char> header = bytes_at(file_, entry.header, kHeaderBytes);
  if (at<std::uint32_t>(header, 0) != kHeaderMark) {
    refuse_file(file_.path(), fmt::format("no data of {}", shown(entry.name)), kAllowed);
  }
  const std::int64_t begin =
      entry.header + kHeaderBytes + at<std::uint16_t>(header, 26) + at<std::uint16_t>(header, 28);
  return bytes_at(file_, begin, entry.size);
}

}  // namespace moesim
