// Random streams by name: one purpose, one stream, so that one more draw here moves nothing there.
#pragma once

#include <cstdint>
#include <string_view>

namespace moesim {

// xoshiro256++ seeded through SplitMix64; satisfies UniformRandomBitGenerator, so Boost.Random
// distributions (which give the same numbers on every machine) can draw from it.
// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021.
class RandomStream {
 public:
  using result_type = std::uint64_t;

  // The same seed and name give the same stream everywhere.
  RandomStream(std::uint64_t seed, std::string_view name);

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return ~result_type{0}; }
  result_type operator()() {
    const std::uint64_t result = rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
  }

  // Uniform in [0, n), by multiply-shift; the bias is below n / 2^64. Requires: n > 0.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>((static_cast<Uint128>((*this)()) * n) >> 64);
  }
  // Uniform in [0, 1).
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

 private:
  __extension__ using Uint128 = unsigned __int128;
  static std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::uint64_t state_[4];
};

// FNV-1a of a text: the seed that a name stands for. Keys have base/hash.h.
std::uint64_t text_hash(std::string_view text);

}  // namespace moesim
