// The ranks of an MPI job, for a process that never calls MPI. Simulations are forked, and forking
// after MPI_Init is unsafe on some networks; so every rank is two processes: a relay that uses MPI
// (scenarios/run/relay) and, forked before MPI_Init, the program itself.
#pragma once

#include <optional>
#include <string>

#include "scenarios/run/ranks/frames.h"

namespace moesim {

class Ranks {
 public:
  // Forks: returns in the child; the parent becomes the relay. Nothing if this process is no rank
  // of an MPI job with several ranks. Throws: InputError if this build has no relay.
  static std::optional<Ranks> start();

  Ranks(Ranks&& other) noexcept;
  Ranks& operator=(Ranks&&) = delete;
  ~Ranks();

  int rank() const { return rank_; }
  int size() const { return size_; }
  // A file descriptor that is readable when a message or the end of the relay has come.
  int descriptor() const { return socket_; }

  void send(int rank, const std::string& text);
  // The next message, without waiting. Nothing if there is none or the relay is gone.
  std::optional<Frame> receive();
  // Waits for the next message. Nothing if the relay is gone.
  std::optional<Frame> wait();
  bool is_alone() const { return closed_ && inbox_.empty(); }

 private:
  explicit Ranks(int socket) : socket_(socket) {}
  void read_some(bool wait);

  int socket_;
  int rank_ = 0;
  int size_ = 1;
  bool closed_ = false;
  std::string inbox_;
};

}  // namespace moesim
