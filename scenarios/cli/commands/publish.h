// Reports of run and merge on their way to files and terminal.
#pragma once

#include <string>

namespace moesim {

struct Report;

struct OutputArguments {
  bool json = false;
  bool markdown = false;
  bool quiet = false;
};

// Writes the files of a report into a folder and prints it. `also_written` = further files there,
// each with ", " before it. Returns the exit code.
int publish(const OutputArguments& arguments, const Report& report, const std::string& folder,
            const std::string& also_written);

}  // namespace moesim
