// Files of torch.save written out by hand, byte for byte.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/models/router/recorded/recorded_bytes.h"

namespace moesim::made {

// A zip file of stored entries, with the zip64 end that torch.save writes.
inline std::string stored_zip(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out, directory;
  const auto u16 = [](std::size_t n) { return bytes_of(static_cast<std::uint16_t>(n)); };
  const auto u32 = [](std::size_t n) { return bytes_of(static_cast<std::uint32_t>(n)); };
  const auto u64 = [](std::size_t n) { return bytes_of(static_cast<std::uint64_t>(n)); };
  for (const auto& [name, data] : entries) {
    const std::string sizes = u32(0) + u32(data.size()) + u32(data.size()) + u16(name.size());
    const std::string version = u32(0) + u32(0);  // Stored, without a date.
    const std::string padding(9, 'F');            // An extra field.
    directory += "PK\x01\x02" + u32(0) + version + sizes + u16(0) + u16(0) + u16(0) + u16(0) +
                 u32(0) + u32(out.size()) + name;
    out += "PK\x03\x04" + u16(0) + version + sizes + u16(padding.size()) + name + padding + data;
  }
  const std::size_t begin = out.size(), end = out.size() + directory.size();
  return out + directory + "PK\x06\x06" + u64(44) + u16(0) + u16(0) + u32(0) + u32(0) +
         u64(entries.size()) + u64(entries.size()) + u64(directory.size()) + u64(begin) +
         "PK\x06\x07" + u32(0) + u64(end) + u32(1) + "PK\x05\x06" + u16(0) + u16(0) +
         u16(entries.size()) + u16(entries.size()) + u32(directory.size()) + u32(begin) + u16(0);
}

// Pickled parts.
inline std::string pickled(std::int64_t number) {
  return "J" + bytes_of(static_cast<std::int32_t>(number));
}
inline std::string pickled(const std::string& text) {
  return "X" + bytes_of(static_cast<std::uint32_t>(text.size())) + text;
}
inline std::string pickled(const std::vector<std::int64_t>& tuple) {
  std::string out = "(";
  for (const std::int64_t number : tuple) out += pickled(number);
  return out + "t";
}
inline std::string pickled_tensor(const std::string& storage, const std::string& key,
                                  std::int64_t stored, const std::vector<std::int64_t>& size,
                                  const std::vector<std::int64_t>& stride,
                                  std::int64_t offset = 0) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled(std::string("storage")) + "ctorch\n" +
         storage + "\n" + pickled(key) + pickled(std::string("cuda:0")) + pickled(stored) + "tQ" +
         pickled(offset) + pickled(size) + pickled(stride) + "\x89" +
         "ccollections\nOrderedDict\n)RtR";
}
// A dictionary of texts to parts.
inline std::string pickled_map(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out = "}(";
  for (const auto& [name, part] : fields) out += pickled(name) + part;
  return out + "u";
}

// A file of one pickle and its storages in order.
inline std::string torch_file(const std::string& pickle, const std::vector<std::string>& storages) {
  std::vector<std::pair<std::string, std::string>> entries = {
      {"saved/data.pkl", "\x80\x02" + pickle + "."}, {"saved/byteorder", "little"}};
  for (std::size_t i = 0; i < storages.size(); ++i) {
    entries.emplace_back("saved/data/" + std::to_string(i), storages[i]);
  }
  return stored_zip(entries);
}

}  // namespace moesim::made
