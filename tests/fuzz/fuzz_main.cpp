// Damages a target's own files at random, the same way in every run:
//   TARGET [rounds]          run that many damaged files (20000)
//   TARGET --seeds FOLDER    write the undamaged ones, for libFuzzer to start from
#include <fmt/format.h>
#include <sys/resource.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace moesim::fuzz {

namespace {

constexpr std::size_t kMostBytes = 65536;

// What numbers in headers are replaced by, and what is put between other bytes.
constexpr std::array<std::string_view, 22> kPieces = {"0",
                                                      "-1",
                                                      "1",
                                                      "255",
                                                      "65536",
                                                      "2147483648",
                                                      "4294967295",
                                                      "9223372036854775807",
                                                      "18446744073709551616",
                                                      "1e400",
                                                      "0.5",
                                                      "nan",
                                                      "[",
                                                      "]",
                                                      "{",
                                                      "}",
                                                      "(",
                                                      ")",
                                                      "\"",
                                                      ",",
                                                      "\n",
                                                      std::string_view("\0", 1)};

std::size_t below(RandomStream& random, std::size_t n) {
  return static_cast<std::size_t>(random.below(n));
}

void flip_bit(std::string& bytes, RandomStream& random) {
  char& c = bytes[below(random, bytes.size())];
  c = static_cast<char>(c ^ (1 << random.below(8)));
}

// Four or eight bytes become a size that no file has.
void set_number(std::string& bytes, RandomStream& random) {
  static constexpr std::array<std::uint64_t, 5> kNumbers = {
      0, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 31, 0x7FFFFFFFFFFFFFFF};
  const std::uint64_t number = kNumbers[below(random, kNumbers.size())];
  const std::size_t size = random.below(2) == 0 ? 4 : 8;
  if (bytes.size() < size) return;
  std::memcpy(bytes.data() + below(random, bytes.size() - size + 1), &number, size);
}

// Written digits become another number.
void edit_number(std::string& bytes, RandomStream& random) {
  constexpr std::string_view kDigits = "0123456789";
  const std::size_t begin = bytes.find_first_of(kDigits, below(random, bytes.size()));
  if (begin == std::string::npos) return;
  const std::size_t end = bytes.find_first_not_of(kDigits, begin);
  bytes.replace(begin, std::min(end, bytes.size()) - begin, kPieces[below(random, 12)]);
}

void repeat_piece(std::string& bytes, RandomStream& random) {
  const std::string piece = bytes.substr(below(random, bytes.size()), 1 + below(random, 40));
  const std::size_t at = below(random, bytes.size());
  for (std::uint64_t i = random.below(20) + 1; i > 0; --i) bytes.insert(at, piece);
}

// The start of one file and the end of another.
void splice(std::string& bytes, const std::string& other, RandomStream& random) {
  bytes = bytes.substr(0, below(random, bytes.size())) + other.substr(below(random, other.size()));
}

void damage(std::string& bytes, const std::vector<std::string>& seeds, RandomStream& random) {
  if (bytes.empty()) return;
  switch (random.below(8)) {
    case 0:
      return bytes.resize(below(random, bytes.size()));
    case 1:
      return set_number(bytes, random);
    case 2:
      return edit_number(bytes, random);
    case 3:
      return repeat_piece(bytes, random);
    case 4:
      return splice(bytes, seeds[below(random, seeds.size())], random);
    case 5:
      bytes.insert(below(random, bytes.size()), kPieces[below(random, kPieces.size())]);
      return;
    case 6:
      bytes.erase(below(random, bytes.size()), 1 + below(random, 8));
      return;
    default:
      return flip_bit(bytes, random);
  }
}

// What a reader allocates is bounded by its file: half a gigabyte more than now is a finding.
// (The address sanitizer reserves terabytes; there its own limit holds.)
void limit_memory() {
#ifndef __SANITIZE_ADDRESS__
  std::ifstream statm("/proc/self/statm");
  rlim_t pages = 0;
  if (!(statm >> pages)) return;
  const rlim_t most = pages * 4096 + (rlim_t{512} << 20);
  const rlimit limit = {most, most};
  require(::setrlimit(RLIMIT_AS, &limit) == 0, "memory can be limited");
#endif
}

int write_seeds(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  int number = 0;
  for (const std::string& seed : seed_inputs()) {
    std::ofstream(folder / fmt::format("seed-{}", number++), std::ios::binary) << seed;
  }
  return 0;
}

int run(const std::string& target, std::int64_t rounds) {
  limit_memory();
  const std::vector<std::string> seeds = seed_inputs();
  for (const std::string& seed : seeds) require(accepts(seed), "undamaged files are read");
  RandomStream random(1, "fuzz/" + target);
  std::int64_t refused = 0;
  for (std::int64_t i = 0; i < rounds; ++i) {
    std::string bytes = seeds[below(random, seeds.size())];
    for (std::uint64_t n = random.below(4) + 1; n > 0; --n) damage(bytes, seeds, random);
    bytes.resize(std::min(bytes.size(), kMostBytes));
    if (!accepts(bytes)) ++refused;
  }
  fmt::print("{}: {} damaged files, {} refused by name, {} read\n", target, rounds, refused,
             rounds - refused);
  require(rounds < 100 || (refused > 0 && refused < rounds), "damage matters, but not always");
  return 0;
}

}  // namespace

}  // namespace moesim::fuzz

int main(int argc, char** argv) {
  try {
    if (argc == 3 && std::string_view(argv[1]) == "--seeds") {
      return moesim::fuzz::write_seeds(argv[2]);
    }
    const std::string target = std::filesystem::path(argv[0]).filename().string();
    return moesim::fuzz::run(target, argc > 1 ? std::atoll(argv[1]) : 20000);
  } catch (const std::exception& error) {
    fmt::print(stderr, "not an InputError: {}\n", error.what());
    return 1;
  }
}
