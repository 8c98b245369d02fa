// The folder that a report goes to, checked before hours of work depend on it.
#pragma once

#include <string>

namespace moesim {

// Makes the folder if it is missing and tries to write into it.
// Throws: InputError if that fails.
void check_writable(const std::string& folder);

}  // namespace moesim
