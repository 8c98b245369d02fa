// A sweep of a million points is easily written by mistake: how long it would take is said first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/cases/scenario.h"

namespace moesim {

struct SizeQuestion {
  int jobs = 1;
  bool yes = false;  // Answered already.
};

// The most points that the scenario may have: without an answer kMostUnaskedPoints. A larger sweep
// is counted, its first point that can run is timed, and the user is asked where there is a
// terminal. Throws: InputError with number and time if the answer is no or nobody can be asked.
std::int64_t points_meant(const std::string& text, const std::string& file,
                          const std::vector<Setting>& settings, const SizeQuestion& question);

}  // namespace moesim
