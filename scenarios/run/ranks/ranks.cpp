#include "scenarios/run/ranks/ranks.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/input_error.h"

namespace moesim {
namespace {

namespace fs = std::filesystem;

long number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
}

// Knows mpirun of OpenMPI, launchers with PMI, and srun with PMIx.
bool is_rank_of_several() {
  if (number_in("OMPI_COMM_WORLD_SIZE") > 1 || number_in("PMI_SIZE") > 1) return true;
  return std::getenv("PMIX_RANK") != nullptr && number_in("SLURM_STEP_NUM_TASKS") > 1;
}

// The relay lies beside the program or, if installed, in libexec.
std::string relay_program() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const char* place : {"moesim-relay", "../libexec/moesim/moesim-relay"}) {
    const fs::path relay = program.parent_path() / place;
    if (fs::exists(relay, error)) return relay.string();
  }
  throw InputError({{"", 0, "", "started by mpirun, but without moesim-relay",
                     "install the package moesim-mpi (in a source tree libopenmpi-dev, and build "
                     "again), or share the sweep out with --shard i/n"}});
}

[[noreturn]] void be_relay(const std::string& relay, int socket, pid_t program) {
  const std::string socket_text = std::to_string(socket), program_text = std::to_string(program);
  execl(relay.c_str(), relay.c_str(), socket_text.c_str(), program_text.c_str(), nullptr);
  kill(program, SIGKILL);
  _exit(127);
}

}  // namespace

std::optional<Ranks> Ranks::start() {
  if (!is_rank_of_several()) return std::nullopt;
  const std::string relay = relay_program();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw std::runtime_error("no socket");
  const pid_t program = fork();
  if (program < 0) throw std::runtime_error("no process could be started");
  if (program > 0) {
    close(ends[0]);
    be_relay(relay, ends[1], program);
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  close(ends[1]);
  Ranks ranks(ends[0]);
  const auto hello = ranks.wait();
  if (!hello) std::exit(1);
  const std::string& text = hello->text;
  const char* end = text.data() + text.size();
  const auto rank = std::from_chars(text.data(), end, ranks.rank_);
  std::from_chars(rank.ptr + 1, end, ranks.size_);
  return ranks;
}

Ranks::Ranks(Ranks&& other) noexcept
    : socket_(other.socket_),
      rank_(other.rank_),
      size_(other.size_),
      closed_(other.closed_),
      inbox_(std::move(other.inbox_)) {
  other.socket_ = -1;
}

Ranks::~Ranks() {
  if (socket_ >= 0) close(socket_);
}

void Ranks::send(int rank, const std::string& text) {
  const std::string bytes = packed({rank, text});
  for (std::size_t done = 0; done < bytes.size() && !closed_;) {
    const ssize_t n = ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n > 0) done += static_cast<std::size_t>(n);
    if (n < 0 && errno != EINTR) closed_ = true;
  }
}

void Ranks::read_some(bool wait) {
  char buffer[65536];
  const ssize_t n = recv(socket_, buffer, sizeof buffer, wait ? 0 : MSG_DONTWAIT);
  if (n > 0) inbox_.append(buffer, static_cast<std::size_t>(n));
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) closed_ = true;
}

std::optional<Frame> Ranks::receive() {
  if (auto frame = take_frame(inbox_)) return frame;
  std::size_t before = 0;
  do {
    before = inbox_.size();
    read_some(false);
  } while (inbox_.size() > before && !closed_);
  return take_frame(inbox_);
}

std::optional<Frame> Ranks::wait() {
  while (true) {
    if (auto frame = take_frame(inbox_)) return frame;
    if (closed_) return std::nullopt;
    read_some(true);
  }
}

}  // namespace moesim
