// moesim run, check and merge: from arguments to files in a folder.
#pragma once

#include <CLI/CLI.hpp>

namespace moesim {

class Ranks;

// `ranks` = the ranks of an MPI job that share the work; null without.
void add_run(CLI::App& app, int& code, Ranks* ranks);
void add_check(CLI::App& app, int& code);
void add_merge(CLI::App& app, int& code);

}  // namespace moesim
