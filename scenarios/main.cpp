// The command line: moesim run | check | merge | list | show | route | validate.
#include <csignal>
#include <exception>
#include <iostream>

#include "scenarios/commands.h"

int main(int argc, char** argv) {
  // Where files may not grow a write shall fail, not end the program half way.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return moesim::run_command_line(argc, argv);
  } catch (const moesim::InputError& e) {
    std::cerr << e.what() << "\n";
    return moesim::kExitBadInput;
  } catch (const std::exception& e) {
    std::cerr << "moesim: " << e.what() << "\n";
    return moesim::kExitBadInput;
  }
}
