// Asks before a very large sweep, which is easily written by mistake, how long it would take.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/cases/scenario.h"

namespace moesim {

struct SizeQuestion {
  int jobs = 1;
  bool yes = false;  // Answered already (--yes).
};

// The largest number of points that the scenario may have; kMostUnaskedPoints unless the user
// allows more. For a larger sweep, counts its points, times the first one that can run and asks the
// user, if there is a terminal. Throws: InputError with number and time if the answer is no or
// there is no terminal.
std::int64_t points_meant(const std::string& text, const std::string& file,
                          const std::vector<Setting>& settings, const SizeQuestion& question);

}  // namespace moesim
