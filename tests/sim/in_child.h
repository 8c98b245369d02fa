// Runs a piece of a test in a child process and brings its numbers back: one process can run one
// Engine in its life, and all tests of a room share one program.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace moesim {

// Calls `body` in a child process and returns the numbers that it returned. An exception, a failed
// EXPECT or ASSERT and a crash in the child fail the calling test; the numbers are then empty.
inline std::vector<double> in_child(const std::function<std::vector<double>()>& body) {
  int ends[2];
  if (pipe(ends) != 0) {
    ADD_FAILURE() << "no pipe";
    return {};
  }
  std::fflush(nullptr);  // Or the child would print the parent's buffers again.
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    std::vector<double> numbers;
    try {
      numbers = body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "exception in the child process: " << error.what();
    }
    const bool failed = testing::Test::HasFailure();
    const auto* bytes = reinterpret_cast<const char*>(numbers.data());
    std::size_t left = failed ? 0 : numbers.size() * sizeof(double);
    while (left > 0) {
      const ssize_t written = write(ends[1], bytes, left);
      if (written <= 0) break;
      bytes += written;
      left -= static_cast<std::size_t>(written);
    }
    std::fflush(nullptr);
    _exit(failed || left > 0 ? 1 : 0);
  }
  close(ends[1]);
  std::string received;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) received.append(buffer, n);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    ADD_FAILURE() << (WIFSIGNALED(status)
                          ? "the child process died by signal " + std::to_string(WTERMSIG(status))
                          : "a check failed in the child process");
    return {};
  }
  std::vector<double> numbers(received.size() / sizeof(double));
  std::copy(received.begin(), received.end(), reinterpret_cast<char*>(numbers.data()));
  return numbers;
}

}  // namespace moesim
