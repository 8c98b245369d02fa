// Runs independent jobs in child processes, a few at a time: one simulation needs one process.
#pragma once

#include <csignal>
#include <cstddef>
#include <functional>
#include <string>

namespace moesim {

// Called by a job inside its child with the share done, 0 to 1.
using ProgressSink = std::function<void(double)>;

// Which job comes next, where others than this process do some of them.
struct NextJob {
  enum class Kind { kJob, kWait, kEnd };
  Kind kind = Kind::kEnd;
  std::size_t job = 0;
};

struct ChildJobs {
  std::size_t count = 0;
  int at_once = 1;
  // Asked whenever a child may start. Default: each of `count` jobs in turn.
  std::function<NextJob()> next = {};
  // Called several times a second, and whenever `wake` can be read.
  std::function<void()> turn = {};
  int wake = -1;
  // In the parent, just before job i is forked: what the child shall inherit is made here.
  std::function<void(std::size_t)> prepare;
  // In the child: the result as text.
  std::function<std::string(std::size_t, const ProgressSink&)> work;
  // In the parent: the result of job i. Jobs end in any order.
  std::function<void(std::size_t, const std::string&)> finished;
  // In the parent, several times a second: share of all jobs done, 0 to 1, and jobs finished.
  std::function<void(double, std::size_t)> progress;
};

// Notes SIGINT and SIGTERM while alive, and puts the old behaviour back. One at a time.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard() { restore(); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  bool has_come() const;
  void restore() const;

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

// Returns true when every job finished, false when SIGINT or SIGTERM came first (children are
// ended, results so far were delivered). Throws: InputError that a job threw; std::runtime_error if
// a child died, naming the signal.
bool run_children(const ChildJobs& jobs);

}  // namespace moesim
