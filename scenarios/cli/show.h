// `moesim list` and `moesim show`: what the program knows by name.
#pragma once

#include <CLI/CLI.hpp>

namespace moesim {

// Adds the command; its callback throws InputError for an unknown name.
void add_list(CLI::App& app);
void add_show(CLI::App& app);

}  // namespace moesim
