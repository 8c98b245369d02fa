// What the readers of a scenario's parts have in common.
#pragma once

#include <string>

#include "base/document.h"

namespace moesim {

// A file or folder that the value names: relative to the value's own file, else as it stands.
std::string file_beside(const Value& value, const std::string& name);
// The same for a name that means a file only if it looks like a path.
std::string name_or_file_beside(const Value& value, const std::string& name);

// Faults about the name itself belong to the value; those inside the file stay there.
void refuse(const Value& value, const InputError& error);

}  // namespace moesim
