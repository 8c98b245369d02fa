// Where the shipped facts lie: model catalog, hardware and engine profiles.
#pragma once

#include <string>
#include <vector>

namespace moesim {

// The folder of a kind of facts: "models/catalog", "hardware/profiles", "sim/engines". Looked for
// in $MOESIM_DATA, then in the source tree this program was built from, then in share/moesim beside
// an installed one. Throws: InputError if it is in none of them.
std::string data_folder(const std::string& kind);

// Stems of the files with that extension (".yaml") directly inside a folder, sorted.
std::vector<std::string> file_stems(const std::string& folder, const std::string& extension);

}  // namespace moesim
