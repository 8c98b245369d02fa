#include "scenarios/run/child_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <vector>

#include "base/input_error.h"

namespace moesim {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// What EndOnInterrupt says.
struct LastWords {
  const char* text = "";
  std::size_t bytes = 0;
  int exit_code = 0;
};
LastWords last_words;

// A signal to a process group reaches its members one after another.
constexpr int kSignalSpreadMs = 300;

// One double per job, written by the children and read by the parent.
class SharedProgress {
 public:
  explicit SharedProgress(std::size_t count)
      : bytes_(std::max<std::size_t>(1, count) * sizeof(double)) {
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for the progress of the cases");
    shares_ = static_cast<double*>(memory);
  }
  ~SharedProgress() { munmap(shares_, bytes_); }
  SharedProgress(const SharedProgress&) = delete;
  SharedProgress& operator=(const SharedProgress&) = delete;
  volatile double& operator[](std::size_t job) { return shares_[job]; }

 private:
  std::size_t bytes_;
  double* shares_ = nullptr;
};

struct Child {
  std::size_t job = 0;
  pid_t pid = 0;
  int pipe = -1;
  std::string output;
};

// First byte of the output of a child: a result, the faults of an InputError, or another failure.
// Faults have five fields each; every field follows its length and a colon, so it may hold any
// byte.
constexpr char kResult = 'R';
constexpr char kInputFaults = 'F';
constexpr char kFailure = 'E';

std::string packed(const InputError& error) {
  std::string out(1, kInputFaults);
  for (const Fault& fault : error.faults()) {
    for (const std::string& field :
         {fault.file, std::to_string(fault.line), fault.path, fault.value, fault.allowed}) {
      out += std::to_string(field.size()) + ":" + field;
    }
  }
  return out;
}

InputError unpacked(const std::string& text) {
  std::vector<std::string> fields;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t colon = text.find(':', at);
    const std::size_t length = std::stoul(text.substr(at, colon - at));
    fields.push_back(text.substr(colon + 1, length));
    at = colon + 1 + length;
  }
  std::vector<Fault> faults;
  for (std::size_t i = 0; i + 4 < fields.size(); i += 5) {
    faults.push_back(
        {fields[i], std::stoi(fields[i + 1]), fields[i + 2], fields[i + 3], fields[i + 4]});
  }
  return InputError(std::move(faults));
}

void write_all(int pipe, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(pipe, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) _exit(1);
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

[[noreturn]] void be_child(const ChildJobs& jobs, std::size_t job, int pipe,
                           volatile double& progress) {
  std::string out;
  try {
    out = kResult + jobs.work(job, [&](double share) { progress = share; });
  } catch (const InputError& e) {
    out = packed(e);
  } catch (const std::bad_alloc&) {
    out = std::string(1, kFailure) + "there was not enough memory for the simulation";
  } catch (const std::exception& e) {
    out = std::string(1, kFailure) + e.what();
  }
  write_all(pipe, out);
  _exit(0);  // Skips the destructors of an engine that may have ended half way.
}

class Pool {
 public:
  explicit Pool(const ChildJobs& jobs) : jobs_(jobs), shares_(jobs.count) {}
  ~Pool() { end_children(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  bool run() {
    while (!interrupted && (!ended_ || !running_.empty())) {
      if (jobs_.turn) jobs_.turn();
      start_some();
      read_outputs();
      report();
    }
    return !interrupted;
  }

 private:
  NextJob next() {
    if (jobs_.next) return jobs_.next();
    if (next_ == jobs_.count) return {NextJob::Kind::kEnd};
    return {NextJob::Kind::kJob, next_++};
  }

  void start_some() {
    while (!interrupted && !ended_ && std::ssize(running_) < jobs_.at_once) {
      const NextJob found = next();
      ended_ = found.kind == NextJob::Kind::kEnd;
      if (found.kind != NextJob::Kind::kJob) return;
      start(found.job);
    }
  }

  void start(std::size_t job) {
    if (jobs_.prepare) jobs_.prepare(job);
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe for a child process");
    std::fflush(nullptr);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error("no child process could be started");
    if (pid == 0) {
      guard_.restore();
      // Ctrl-C is for the parent, which ends its children.
      std::signal(SIGINT, SIG_IGN);
      // An orphan must end, also if the parent died before this call.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      close(ends[0]);
      be_child(jobs_, job, ends[1], shares_[job]);
    }
    close(ends[1]);
    running_.push_back({job, pid, ends[0], ""});
  }

  void read_outputs() {
    std::vector<pollfd> polls;
    for (const Child& child : running_) polls.push_back({child.pipe, POLLIN, 0});
    polls.push_back({jobs_.wake, POLLIN, 0});  // poll ignores a negative descriptor.
    if (poll(polls.data(), polls.size(), 100) <= 0) return;
    for (std::size_t i = running_.size(); i-- > 0;) {
      if (polls[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t n = read(running_[i].pipe, buffer, sizeof buffer);
      if (n > 0) running_[i].output.append(buffer, static_cast<std::size_t>(n));
      if (n == 0) finish(i);
    }
  }

  void finish(std::size_t index) {
    const Child child = std::move(running_[index]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
    close(child.pipe);
    int status = 0;
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
      const int signal = WTERMSIG(status);
      // A signal to all of the program may have reached the child before this process.
      if (signal == SIGTERM && !interrupted) poll(nullptr, 0, kSignalSpreadMs);
      if (interrupted) return;
      fail(child.job, std::runtime_error(fmt::format(
                          "the simulation was ended by signal {} ({}){}", signal, strsignal(signal),
                          signal == SIGKILL ? "; was memory short?" : "")));
      return;
    }
    if (interrupted && child.output.empty()) return;
    const char kind = child.output.empty() ? kFailure : child.output.front();
    const std::string text =
        child.output.empty() ? "the simulation ended without a result" : child.output.substr(1);
    if (kind == kInputFaults) return fail(child.job, unpacked(text));
    if (kind == kFailure) return fail(child.job, std::runtime_error(text));
    ++finished_;
    jobs_.finished(child.job, text);
  }

  template <class Error>
  void fail(std::size_t job, const Error& error) {
    if (!jobs_.failed) throw error;
    ++finished_;
    jobs_.failed(job, std::make_exception_ptr(error));
  }

  void report() {
    if (!jobs_.progress || jobs_.count == 0) return;
    double sum = static_cast<double>(finished_);
    for (const Child& child : running_) sum += shares_[child.job];
    jobs_.progress(sum / static_cast<double>(jobs_.count), finished_);
  }

  void end_children() {
    for (const Child& child : running_) {
      kill(child.pid, SIGKILL);  // SIGTERM could arrive while the child still has our handler.
      close(child.pipe);
      while (waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }

  const ChildJobs& jobs_;
  SharedProgress shares_;
  InterruptGuard guard_;
  std::vector<Child> running_;
  std::size_t next_ = 0;
  bool ended_ = false;  // No more jobs will start.
  std::size_t finished_ = 0;
};

}  // namespace

EndOnInterrupt::EndOnInterrupt(const char* words, int exit_code) {
  last_words = {words, std::strlen(words), exit_code};
  struct sigaction end {};
  end.sa_handler = [](int) {
    // Nothing but calls that a signal handler may make.
    if (write(STDERR_FILENO, last_words.text, last_words.bytes) < 0) _exit(last_words.exit_code);
    _exit(last_words.exit_code);
  };
  sigaction(SIGINT, &end, &old_int_);
  sigaction(SIGTERM, &end, &old_term_);
}

EndOnInterrupt::~EndOnInterrupt() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
}

InterruptGuard::InterruptGuard() {
  interrupted = 0;
  struct sigaction note {};
  note.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &note, &old_int_);
  sigaction(SIGTERM, &note, &old_term_);
}

bool InterruptGuard::was_interrupted() const {
  return interrupted != 0;
}

void InterruptGuard::restore() const {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
}

bool run_children(const ChildJobs& jobs) {
  return Pool(jobs).run();
}

}  // namespace moesim
