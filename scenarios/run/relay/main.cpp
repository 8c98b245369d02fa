// The MPI side of one rank: carries messages between moesim (socket: argument 1, process: argument
// 2), which never calls MPI, and the other ranks. See scenarios/run/ranks/ranks.h.
#include <fcntl.h>
#include <mpi.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <list>
#include <string>
#include <vector>

#include "scenarios/run/ranks/frames.h"
#include "scenarios/run/ranks/protocol.h"

namespace {

using moesim::Frame;

constexpr int kMessage = 1;          // Tag of a message for the program.
constexpr int kEnd = 2;              // Tag of a message for the relay: rank 0 has ended, finalize.
constexpr int kNapMilliseconds = 3;  // Waiting must not take a core from the simulations.

volatile std::sig_atomic_t program_pid = 0;

// Launchers signal the process that they started, but the program must save its results.
void forward(int signal) {
  if (program_pid > 0) kill(static_cast<pid_t>(program_pid), signal);
}

struct Sending {
  std::string text;
  MPI_Request request = MPI_REQUEST_NULL;
};

class Relay {
 public:
  Relay(int socket, pid_t program) : socket_(socket), program_(program) {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    to_program_ =
        moesim::packed({moesim::kRelay, std::to_string(rank_) + " " + std::to_string(size_)});
  }

  // Returns the exit code of the program.
  int run() {
    while (!ended_) {
      const bool quiet = !receive_from_ranks() && !talk_to_program();
      forget_sent();
      if (program_gone_ && rank_ == 0) break;
      if (quiet) poll(nullptr, 0, kNapMilliseconds);
    }
    const int code = end_program();
    if (rank_ == 0) {
      end_ranks(code);
    } else {
      send(0, kEnd, "");
    }
    while (!sending_.empty()) forget_sent();
    return code;
  }

 private:
  void send(int rank, int tag, std::string text) {
    Sending& sending = sending_.emplace_back();
    sending.text = std::move(text);
    MPI_Isend(sending.text.data(), static_cast<int>(sending.text.size()), MPI_BYTE, rank, tag,
              MPI_COMM_WORLD, &sending.request);
  }

  void forget_sent() {
    sending_.remove_if([](Sending& sending) {
      int done = 0;
      MPI_Test(&sending.request, &done, MPI_STATUS_IGNORE);
      return done != 0;
    });
  }

  // Whether there was a message.
  bool receive_from_ranks() {
    int there = 0;
    MPI_Status status;
    if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status) != MPI_SUCCESS ||
        there == 0) {
      return false;
    }
    int length = 0;
    MPI_Get_count(&status, MPI_BYTE, &length);
    std::string text(static_cast<std::size_t>(length), '\0');
    MPI_Recv(text.data(), length, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    if (status.MPI_TAG == kEnd) {
      ended_ = true;
      ++ends_;
      return true;
    }
    to_program_ += moesim::packed({status.MPI_SOURCE, text});
    return true;
  }

  // Whether anything moved.
  bool talk_to_program() {
    if (program_gone_) return false;
    bool moved = false;
    while (!to_program_.empty()) {
      const ssize_t n =
          ::send(socket_, to_program_.data(), to_program_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n <= 0) break;
      to_program_.erase(0, static_cast<std::size_t>(n));
      moved = true;
    }
    char buffer[65536];
    const ssize_t n = recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) from_program_.append(buffer, static_cast<std::size_t>(n));
    while (const auto frame = moesim::take_frame(from_program_)) {
      if (frame->rank == moesim::kRelay) lost_ = true;
      if (frame->rank != moesim::kRelay) send(frame->rank, kMessage, frame->text);
    }
    const bool gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (gone) {
      program_gone_ = true;
      if (rank_ != 0) send(0, kMessage, std::string(1, moesim::message::kLost));
    }
    return moved || n > 0;
  }

  int end_program() {
    close(socket_);
    if (rank_ != 0) kill(program_, SIGKILL);
    int status = 0;
    while (waitpid(program_, &status, 0) < 0 && errno == EINTR) {
    }
    if (rank_ != 0) return 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  // A rank that has died would never reach MPI_Finalize, and all would wait for it. From the
  // others, messages are received until they send their last one, because a pending message would
  // block them.
  void end_ranks(int code) {
    if (lost_) MPI_Abort(MPI_COMM_WORLD, code);
    for (int rank = 1; rank < size_; ++rank) send(rank, kEnd, "");
    while (ends_ + 1 < size_) {
      if (!receive_from_ranks()) poll(nullptr, 0, kNapMilliseconds);
      forget_sent();
    }
  }

  int socket_;
  pid_t program_;
  int rank_ = 0, size_ = 1;
  bool ended_ = false;
  int ends_ = 0;  // Ranks that have sent their last message to rank 0.
  bool program_gone_ = false;
  bool lost_ = false;  // Whether rank 0 has given up a rank.
  std::string to_program_, from_program_;
  std::list<Sending> sending_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const pid_t program = std::atoi(argv[2]);
  program_pid = program;
  struct sigaction pass_on {};
  pass_on.sa_handler = forward;
  pass_on.sa_flags = SA_RESTART;
  sigaction(SIGINT, &pass_on, nullptr);
  sigaction(SIGTERM, &pass_on, nullptr);
  if (MPI_Init(&argc, &argv) != MPI_SUCCESS) return 1;
  const int code = Relay(std::atoi(argv[1]), program).run();
  MPI_Finalize();
  return code;
}
