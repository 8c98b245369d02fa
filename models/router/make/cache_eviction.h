// Bounds the disk space that the banks of former runs take.
#pragma once

#include <cstdint>
#include <string>

namespace moesim {

// A sweep of a thousand sizes of a large model leaves about as much.
inline constexpr std::uintmax_t kMostCacheBytes = std::uintmax_t{4} << 30;
// Results need room more than banks do, which can be made again.
inline constexpr std::uintmax_t kLeastFreeBytes = std::uintmax_t{1} << 30;

// Marks a bank as used just now.
void mark_used(const std::string& path);

// Removes banks of the folder, those unused for longest first, until they take at most `most` bytes
// and leave `free` bytes of the disk, or none is left.
void evict_banks(const std::string& folder, std::uintmax_t most = kMostCacheBytes,
                 std::uintmax_t free = kLeastFreeBytes);

}  // namespace moesim
