// `moesim examples`: the shipped questions, to read and to change.
#pragma once

#include <string>

namespace moesim {

struct ExamplesArguments {
  std::string folder = "moesim-examples";
  bool list = false;  // Only show them.
};

// Copies scenarios and the data that they name into the folder and prints each with its question.
// Returns the exit code. Throws: InputError if a file is there already, with all such files and
// nothing written, or if one cannot be written.
int examples_command(const ExamplesArguments& arguments);

}  // namespace moesim
