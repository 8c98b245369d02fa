// Zip files whose entries are stored as they are, which is how torch.save packs its data.
// Source: PKWARE, .ZIP File Format Specification (APPNOTE), 6.3; zip64 included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/router/recorded/input_file.h"

namespace moesim {

struct ZipEntry {
  std::string name;  // Without the archive's top folder: "data/0".
  std::int64_t header = 0;
  std::int64_t size = 0;
  bool compressed = false;
};

class StoredZip {
 public:
  // Reads the directory alone. Throws: InputError for no zip file, or one whose directory is
  // damaged.
  explicit StoredZip(const std::string& path);

  const InputFile& file() const { return file_; }
  // The entry of that name in the top folder, or null.
  const ZipEntry* find(std::string_view name) const;
  // Bytes of an entry. Throws: InputError if they are compressed or not in the file.
  std::vector<char> read(const ZipEntry& entry) const;

 private:
  void read_directory(std::int64_t begin, std::int64_t size, std::int64_t entries);

  InputFile file_;
  std::vector<ZipEntry> entries_;
};

}  // namespace moesim
