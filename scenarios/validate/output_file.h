// Output files that are written completely or not at all.
#pragma once

#include <string>

namespace moesim {

// Throws: InputError if no file can be written there.
void check_can_write(const std::string& path);

// Writes under a temporary name and renames, so that no reader sees half a file.
// Throws: InputError if the file cannot be written.
void write_file(const std::string& text, const std::string& path);

}  // namespace moesim
