// Where the shipped facts lie: model catalog, hardware and engine profiles, questions.
#pragma once

#include <string>
#include <vector>

namespace moesim {

// The folder that holds all of them, in the same layout in a source tree and in an installation
// (PREFIX/share/moesim): $MOESIM_DATA if that is set, else share/moesim beside or above the
// program's own folder, which in a build folder is a link to the source tree. No slash at its end.
// Throws: InputError if $MOESIM_DATA is not such a folder, or there is none.
std::string data_root();

// The folder of a kind of facts: "models/catalog", "hardware/profiles", "sim/engines".
// Throws: InputError as data_root, and if the kind is missing.
std::string data_folder(const std::string& kind);

// Stems of the files with that extension (".yaml") directly inside a folder, sorted.
std::vector<std::string> file_stems(const std::string& folder, const std::string& extension);

}  // namespace moesim
