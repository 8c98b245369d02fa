// Hashes for keys and check sums: XXH3 with 128 bit. Random streams have another (base/random.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace moesim {

struct Hash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  // 32 hexadecimal digits.
  std::string text() const;
  bool operator==(const Hash&) const = default;
};

// The same on every machine. Source: Collet, xxHash, "XXH3 128-bit".
Hash hash_of(std::string_view bytes);

// Hashes pieces one after another: the hash of their concatenation.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  Hasher& add(std::string_view bytes);
  // Of all that was added so far.
  Hash hash() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim
