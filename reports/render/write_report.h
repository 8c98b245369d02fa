// The files of a report.
#pragma once

#include <string>

#include "reports/results/report.h"

namespace moesim {

// Writes report.json, cases.csv and report.html into a folder (made if missing), each by a
// temporary name and a rename, so that no half-written file is ever left under its name. Throws:
// InputError if the folder cannot be written.
void write_report(const Report& report, const std::string& folder);
// The same for one more file.
void write_output(const std::string& folder, const std::string& name, const std::string& text);

}  // namespace moesim
