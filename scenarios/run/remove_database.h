// --fresh: removes the database of an earlier run of a sweep, and no file of another program.
#pragma once

#include <string>

namespace moesim {

// Removes FOLDER/sweep.db and the files of SQLite beside it, if it is empty or its header is that
// of moesim, of any version, even if damaged. Throws: InputError if it is anything else (a file of
// another program, a folder, a pipe).
void remove_database(const std::string& folder);

}  // namespace moesim
