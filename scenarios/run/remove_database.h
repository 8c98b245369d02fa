// --fresh: forgets what an earlier run of a sweep left, and nothing of anybody else's.
#pragma once

#include <string>

namespace moesim {

// Removes FOLDER/sweep.db and what SQLite left beside it, if it is ours: of whatever version, and
// damaged or cut short where its header still says whose it is; or empty.
// Throws: InputError if it is anything else (another program's file, a folder, a pipe).
void remove_database(const std::string& folder);

}  // namespace moesim
