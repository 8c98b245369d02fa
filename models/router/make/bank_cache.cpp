#include "models/router/make/bank_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <type_traits>

#include "base/hash.h"
#include "models/router/make/cache_eviction.h"
#include "models/router/make/make_bank.h"

namespace moesim {

namespace fs = std::filesystem;

namespace {

constexpr std::array<char, 8> kMagic = {'m', 'o', 'e', 's', 'i', 'm', 'b', 'k'};

// Header of a file; ids, training history and provenance follow.
struct Header {
  std::array<char, 8> magic = kMagic;
  std::int64_t format = kBankFormat;
  std::int64_t num_layers = 0;
  std::int64_t num_experts = 0;
  std::int64_t top_k = 0;
  std::int64_t sequences = 0;
  std::int64_t sequence_tokens = 0;
  std::int64_t origin = 0;
  std::int64_t training_points = 0;
  std::int64_t provenance_bytes = 0;
  Hash check_sum;  // Of all that follows.
};

static_assert(std::is_trivially_copyable_v<TrainingPoint>, "training points are kept as bytes");

template <typename T>
std::string_view bytes_of(const std::vector<T>& items) {
  return {reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T)};
}

Hash check_sum_of(const RoutingBank& bank) {
  return Hasher().add(bytes_of(bank.ids)).add(bytes_of(bank.training)).add(bank.provenance).hash();
}

Header header_of(const RoutingBank& bank) {
  Header header;
  header.num_layers = bank.num_layers;
  header.num_experts = bank.num_experts;
  header.top_k = bank.top_k;
  header.sequences = bank.sequences;
  header.sequence_tokens = bank.sequence_tokens;
  header.origin = static_cast<std::int64_t>(bank.origin);
  header.training_points = static_cast<std::int64_t>(bank.training.size());
  header.provenance_bytes = static_cast<std::int64_t>(bank.provenance.size());
  header.check_sum = check_sum_of(bank);
  return header;
}

// Whether a file of this length agrees with its header: the length bounds the memory that a damaged
// header can make us allocate.
bool is_plausible(const Header& header, double length) {
  if (header.magic != kMagic || header.format != kBankFormat) return false;
  if (header.origin < 0 || header.origin > static_cast<std::int64_t>(RoutingOrigin::kBaseline)) {
    return false;
  }
  if (header.training_points < 0 || header.provenance_bytes < 0) return false;
  double expected = sizeof(std::uint16_t);
  for (const std::int64_t factor :
       {header.num_layers, header.top_k, header.sequences, header.sequence_tokens}) {
    if (factor < 1) return false;
    expected *= static_cast<double>(factor);
  }
  expected += sizeof(Header) + static_cast<double>(header.provenance_bytes);
  expected += static_cast<double>(header.training_points) * sizeof(TrainingPoint);
  return length == expected;
}

bool ids_in_range(const RoutingBank& bank, std::int64_t outputs) {
  for (const std::uint16_t id : bank.ids) {
    if (id >= outputs && id != kNoExpert) return false;
  }
  return true;
}

bool is_bank_of(const RoutingBank& bank, const ModelSpec& model, const TokenSource& source) {
  const MoeSpec& moe = model.moe();
  // A recording brings its own number of tokens.
  const bool size_known = source.policy != TokenPolicy::kRecorded;
  return bank.num_layers == model.num_moe_layers() && bank.num_experts == moe.num_experts &&
         bank.top_k == moe.top_k && (!size_known || bank.sequences == source.sequences) &&
         (!size_known || bank.sequence_tokens == source.sequence_tokens) &&
         ids_in_range(bank, moe.num_experts + moe.router.num_zero_experts);
}

// The process that a lock file names, "PID HOST".
struct Holder {
  pid_t pid = 0;
  std::string host;

  static Holder self() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    return {getpid(), name.data()};
  }
  // As the file says at this moment.
  static Holder of(const std::string& lock) {
    Holder holder;
    std::ifstream(lock) >> holder.pid >> holder.host;
    return holder;
  }
  std::string text() const { return fmt::format("{} {}\n", pid, host); }
  // Whether it stands still (Ctrl-Z, a debugger), as far as this host can see.
  bool is_suspended() const {
    if (host != self().host) return false;
    std::ifstream file(fmt::format("/proc/{}/stat", pid));
    std::string stat;
    std::getline(file, stat);
    const std::size_t name_end = stat.rfind(')');  // The name before the state may hold anything.
    const bool has_state = name_end != std::string::npos && name_end + 2 < stat.size();
    return has_state && (stat[name_end + 2] == 'T' || stat[name_end + 2] == 't');
  }
};

// Held while a bank is made, so that of the cases of a sweep that want the same one only the first
// makes it. Without a writable folder nobody waits, and nobody waits for long for one who stands
// still: then the bank is made twice, which is harmless, as it is where a waiter holds a removed
// file. The lock file is removed on release.
class MakerLock {
 public:
  explicit MakerLock(const std::string& bank) : path_(bank + ".lock") {
    std::error_code error;
    fs::create_directories(fs::path(path_).parent_path(), error);
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0 || !wait()) return;
    const std::string holder = Holder::self().text();
    holds_ = ftruncate(file_, 0) == 0 && write(file_, holder.data(), holder.size()) > 0;
  }
  ~MakerLock() {
    if (holds_) unlink(path_.c_str());
    if (file_ >= 0) close(file_);
  }
  MakerLock(const MakerLock&) = delete;
  MakerLock& operator=(const MakerLock&) = delete;

 private:
  // False if it is better to go on without it.
  bool wait() const {
    using Clock = std::chrono::steady_clock;
    constexpr auto kStandsStill = std::chrono::seconds(3);
    constexpr auto kMost = std::chrono::minutes(10);
    auto moved = Clock::now();  // When the holder was last seen at work.
    const auto start = moved;
    while (flock(file_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) return false;
      const Holder holder = Holder::of(path_);
      const auto now = Clock::now();
      if (!holder.is_suspended()) moved = now;
      if (now - moved > kStandsStill || now - start > kMost) {
        fmt::print(stderr,
                   "moesim: process {} on {} {} while it makes routed tokens ({}); this process "
                   "makes them as well\n",
                   holder.pid, holder.host,
                   now - moved > kStandsStill ? "stands still" : "takes more than ten minutes",
                   path_);
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }

  std::string path_;
  int file_ = -1;
  bool holds_ = false;
};

}  // namespace

std::string bank_cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    return (fs::path(cache) / "moesim").string();
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return (fs::path(home) / ".cache" / "moesim").string();
  }
  return "";
}

bool write_bank(const RoutingBank& bank, const std::string& path) {
  static std::atomic<int> writes{0};
  const std::string temporary = fmt::format("{}.{}.{}", path, ::getpid(), writes++);
  const Header header = header_of(bank);
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  bool written = false;
  {
    std::ofstream file(temporary, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    file << bytes_of(bank.ids) << bytes_of(bank.training) << bank.provenance;
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
  std::error_code error;
  const auto length = static_cast<double>(fs::file_size(path, error));
  if (!file || error || !is_plausible(header, length)) return std::nullopt;
  RoutingBank bank;
  bank.num_layers = header.num_layers;
  bank.num_experts = header.num_experts;
  bank.top_k = header.top_k;
  bank.sequences = header.sequences;
  bank.sequence_tokens = header.sequence_tokens;
  bank.origin = static_cast<RoutingOrigin>(header.origin);
  bank.ids.resize(static_cast<std::size_t>(bank.num_layers * bank.num_tokens() * bank.top_k));
  bank.training.resize(static_cast<std::size_t>(header.training_points));
  bank.provenance.resize(static_cast<std::size_t>(header.provenance_bytes));
  file.read(reinterpret_cast<char*>(bank.ids.data()),
            static_cast<std::streamsize>(bytes_of(bank.ids).size()));
  file.read(reinterpret_cast<char*>(bank.training.data()),
            static_cast<std::streamsize>(bytes_of(bank.training).size()));
  file.read(bank.provenance.data(), header.provenance_bytes);
  if (!file || check_sum_of(bank) != header.check_sum) return std::nullopt;
  return bank;
}

RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed, const std::string& folder) {
  if (folder.empty()) return make_routing_bank(model, source, seed);
  const std::string path = (fs::path(folder) / bank_file_name(model, source, seed)).string();
  const auto kept = [&]() -> std::optional<RoutingBank> {
    std::optional<RoutingBank> bank = read_bank(path);
    if (!bank || !is_bank_of(*bank, model, source)) return std::nullopt;
    mark_used(path);
    return bank;
  };
  if (auto bank = kept()) return *std::move(bank);
  const MakerLock lock(path);
  if (auto bank = kept()) return *std::move(bank);
  RoutingBank bank = make_routing_bank(model, source, seed);
  write_bank(bank, path);
  evict_banks(folder);
  return bank;
}

RoutingBank cached_routing_bank(const ModelSpec& model, const TokenSource& source,
                                std::uint64_t seed) {
  const bool worth_keeping =
      source.policy == TokenPolicy::kCalibrated || source.policy == TokenPolicy::kTrained;
  return cached_routing_bank(model, source, seed, worth_keeping ? bank_cache_folder() : "");
}

}  // namespace moesim
