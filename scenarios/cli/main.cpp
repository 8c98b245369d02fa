// The program: its commands are in command_line.cpp, one file each in commands/.
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string_view>

#include "base/input_error.h"
#include "scenarios/cli/command_line.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/cli/parse.h"
#include "scenarios/run/ranks/share_out.h"

namespace {

// What was printed must have arrived: a full disk is no success.
int finished(int code) {
  std::cout.flush();
  const bool arrived = std::cout.good() && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (arrived) return code;
  std::cerr << "standard output: cannot be written to its end: is the disk full?\n";
  return moesim::kExitBadInput;
}

}  // namespace

int main(int argc, char** argv) {
  // Where files may not grow a write shall fail, not end the program half way.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const bool runs = argc > 1 && std::string_view(argv[1]) == "run";
    auto ranks = runs ? moesim::Ranks::start() : std::nullopt;
    if (ranks && ranks->rank() > 0) {
      moesim::serve(*ranks);
      return moesim::kExitDone;
    }
    moesim::Arguments arguments;
    return finished(moesim::parse_and_run(
        moesim::command_line(arguments, ranks ? &*ranks : nullptr), argc, argv));
  } catch (const moesim::InputError& e) {
    std::cerr << e.what() << "\n";
    return moesim::kExitBadInput;
  } catch (const std::exception& e) {
    std::cerr << "moesim: " << e.what() << "\n";
    return moesim::kExitBadInput;
  }
}
