// `moesim route`: a model's router by itself, without hardware or traffic.
#pragma once

#include <CLI/CLI.hpp>

namespace moesim {

// Adds the command; its callback throws InputError for bad input.
void add_route(CLI::App& app);

}  // namespace moesim
