// The command line: moesim run | check | merge | explain | list | show | schema | route | validate.
#include <csignal>
#include <exception>
#include <iostream>
#include <string_view>

#include "scenarios/cli/commands.h"
#include "scenarios/run/ranks/share_out.h"

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
    return moesim::run_command_line(argc, argv, ranks ? &*ranks : nullptr);
  } catch (const moesim::InputError& e) {
    std::cerr << e.what() << "\n";
    return moesim::kExitBadInput;
  } catch (const std::exception& e) {
    std::cerr << "moesim: " << e.what() << "\n";
    return moesim::kExitBadInput;
  }
}
