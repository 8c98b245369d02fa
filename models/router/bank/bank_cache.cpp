#include "models/router/bank/bank_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/data_folder.h"
#include "base/document.h"
#include "base/random.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

// Raise it whenever the kernel, the generator or the gates change what they make.
constexpr int kFormat = 1;
constexpr std::array<char, 8> kMagic = {'m', 'o', 'e', 's', 'i', 'm', 'b', 'k'};

// What a file begins with; ids and provenance follow.
struct Header {
  std::array<char, 8> magic = kMagic;
  std::int64_t format = kFormat;
  std::int64_t num_layers = 0;
  std::int64_t num_experts = 0;
  std::int64_t top_k = 0;
  std::int64_t sequences = 0;
  std::int64_t sequence_tokens = 0;
  std::int64_t provenance_bytes = 0;
  std::uint64_t checksum = 0;  // Of ids and provenance.
};

std::string_view bytes_of(const std::vector<std::uint16_t>& ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(std::uint16_t)};
}

// Eight bytes at a time, because a bank has megabytes: h = rotate((h ^ word) * odd constant).
std::uint64_t checksum_of(std::string_view bytes) {
  std::uint64_t sum = bytes.size();
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    sum = (sum ^ word) * 0x9E3779B97F4A7C15ULL;
    sum = sum << 29 | sum >> 35;
  }
  return sum ^ text_hash(bytes.substr(i));
}

bool ids_in_range(const RoutingBank& bank, std::int64_t outputs) {
  for (const std::uint16_t id : bank.ids) {
    if (id >= outputs) return false;
  }
  return true;
}

bool is_bank_of(const RoutingBank& bank, const ModelSpec& model, const TokenSource& source) {
  const MoeSpec& moe = model.moe();
  return bank.num_layers == model.num_moe_layers() && bank.num_experts == moe.num_experts &&
         bank.top_k == moe.top_k && bank.sequences == source.sequences &&
         bank.sequence_tokens == source.sequence_tokens &&
         ids_in_range(bank, moe.num_experts + moe.router.num_zero_experts);
}

std::string cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return (fs::path(cache) / "moesim").string();
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return (fs::path(home) / ".cache" / "moesim").string();
  }
  return "";
}

}  // namespace

std::string bank_file_name(const ModelSpec& model, const TokenSource& source, std::uint64_t seed) {
  const MoeSpec& moe = model.moe();
  const RouterSpec& router = moe.router;
  std::string key =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|", kFormat, model.name, model.architecture,
                  model.hidden_size, model.num_moe_layers(), moe.num_experts, moe.top_k);
  key += fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|", static_cast<int>(router.score),
                     static_cast<int>(router.order), router.renormalise, router.gate_bias,
                     router.correction_bias, router.num_groups, router.top_groups,
                     static_cast<int>(router.group_score), router.scaling, router.num_zero_experts);
  key += fmt::format("{}|{}|{}|{}|{}|", static_cast<int>(source.policy), source.alpha,
                     source.sequences, source.sequence_tokens, seed);
  if (source.policy == TokenPolicy::kCalibrated) {
    key += read_file(data_folder("models/router/tokens") + "/calibration.yaml");
  }
  return fmt::format("{:016x}{:016x}.bank", text_hash(key), text_hash("second " + key));
}

bool write_bank(const RoutingBank& bank, const std::string& path) {
  static std::atomic<int> writes{0};
  const std::string temporary = fmt::format("{}.{}.{}", path, ::getpid(), writes++);
  Header header;
  header.num_layers = bank.num_layers;
  header.num_experts = bank.num_experts;
  header.top_k = bank.top_k;
  header.sequences = bank.sequences;
  header.sequence_tokens = bank.sequence_tokens;
  header.provenance_bytes = static_cast<std::int64_t>(bank.provenance.size());
  const std::string_view ids = bytes_of(bank.ids);
  header.checksum = checksum_of(ids) ^ text_hash(bank.provenance);
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  bool written = false;
  {
    std::ofstream file(temporary, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    file.write(ids.data(), static_cast<std::streamsize>(ids.size()));
    file << bank.provenance;
    file.flush();
    written = file.good();
  }
  if (written) {
    fs::rename(temporary, path, error);
    written = !error;
  }
  if (!written) fs::remove(temporary, error);
  return written;
}

std::optional<RoutingBank> read_bank(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Header header;
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || header.magic != kMagic || header.format != kFormat) return std::nullopt;
  RoutingBank bank;
  bank.num_layers = header.num_layers;
  bank.num_experts = header.num_experts;
  bank.top_k = header.top_k;
  bank.sequences = header.sequences;
  bank.sequence_tokens = header.sequence_tokens;
  // The length of the file bounds what a damaged header can make us allocate.
  std::error_code error;
  const double length = static_cast<double>(fs::file_size(path, error));
  double expected = sizeof(std::uint16_t);
  for (const std::int64_t factor :
       {header.num_layers, header.top_k, header.sequences, header.sequence_tokens}) {
    if (factor < 1) return std::nullopt;
    expected *= static_cast<double>(factor);
  }
  expected += sizeof(Header) + static_cast<double>(header.provenance_bytes);
  if (error || header.provenance_bytes < 0 || length != expected) return std::nullopt;
  bank.ids.resize(static_cast<std::size_t>(bank.num_layers * bank.num_tokens() * bank.top_k));
  bank.provenance.resize(static_cast<std::size_t>(header.provenance_bytes));
  file.read(reinterpret_cast<char*>(bank.ids.data()),
            static_cast<std::streamsize>(bytes_of(bank.ids).size()));
  file.read(bank.provenance.data(), header.provenance_bytes);
  const std::uint64_t checksum = checksum_of(bytes_of(bank.ids)) ^ text_hash(bank.provenance);
  if (!file || checksum != header.checksum) return std::nullopt;
  return bank;
}

RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed, const std::string& folder) {
  if (folder.empty()) return make_routing_bank(model, source, seed);
  const std::string path = (fs::path(folder) / bank_file_name(model, source, seed)).string();
  if (std::optional<RoutingBank> bank = read_bank(path)) {
    if (is_bank_of(*bank, model, source)) return *std::move(bank);
  }
  RoutingBank bank = make_routing_bank(model, source, seed);
  write_bank(bank, path);
  return bank;
}

RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed) {
  // The baselines are made faster than they are read.
  const bool worth_keeping = source.policy == TokenPolicy::kCalibrated;
  return cached_routing_bank(model, source, seed, worth_keeping ? cache_folder() : "");
}

}  // namespace moesim
