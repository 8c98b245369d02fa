// The command line: moesim run | check | list | show | route.
#include <exception>
#include <iostream>

#include "scenarios/commands.h"

int main(int argc, char** argv) {
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
