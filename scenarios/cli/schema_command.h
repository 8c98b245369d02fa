// `moesim schema report` and `moesim schema scenario`: JSON Schemas on stdout.
#pragma once

#include <CLI/CLI.hpp>

namespace moesim {

void add_schema(CLI::App& app);

}  // namespace moesim
