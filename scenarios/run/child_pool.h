// Runs independent jobs in child processes, a few at a time; each simulation needs its own process.
#pragma once

#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <string>

namespace moesim {

// A job calls it inside its child process with the share done, 0 to 1.
using ProgressSink = std::function<void(double)>;

// The answer to the question which job starts next.
struct NextJob {
  enum class Kind { kJob, kWait, kEnd };
  Kind kind = Kind::kEnd;
  std::size_t job = 0;
};

struct ChildJobs {
  std::size_t count = 0;
  int at_once = 1;
  // Called whenever a child may start. Default: each of `count` jobs in turn.
  std::function<NextJob()> next = {};
  // Called several times a second, and whenever the file descriptor `wake` can be read.
  std::function<void()> turn = {};
  int wake = -1;
  // Called in the parent just before job i is forked, to create data that the child inherits.
  std::function<void(std::size_t)> prepare;
  // Called in the child; returns the result as text.
  std::function<std::string(std::size_t, const ProgressSink&)> work;
  // Called in the parent with the result of job i. Jobs end in any order.
  std::function<void(std::size_t, const std::string&)> finished;
  // Called in the parent instead where job i has no result: its work threw, or its process ended.
  // Without it such a job ends all of them.
  std::function<void(std::size_t, std::exception_ptr)> failed = {};
  // Called in the parent several times a second: share of all jobs done, 0 to 1, and jobs finished.
  std::function<void(double, std::size_t)> progress;
};

// While alive, SIGINT and SIGTERM end the program at once with these words and this exit code: for
// work that leaves nothing behind. At most one at a time, and no InterruptGuard beside it.
class EndOnInterrupt {
 public:
  // `words` must be a literal.
  EndOnInterrupt(const char* words, int exit_code);
  ~EndOnInterrupt();
  EndOnInterrupt(const EndOnInterrupt&) = delete;
  EndOnInterrupt& operator=(const EndOnInterrupt&) = delete;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

// Records SIGINT and SIGTERM while alive, then restores the old handlers. At most one at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard() { restore(); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool was_interrupted() const;
  void restore() const;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

// Returns true when every job has finished; false after SIGINT or SIGTERM (children are killed,
// results so far were delivered). Throws, where nobody is told of failed jobs: InputError that a
// job threw; std::runtime_error if a child died, with the signal.
bool run_children(const ChildJobs& jobs);

}  // namespace moesim
