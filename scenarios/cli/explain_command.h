// `moesim explain`: what makes two cases differ, part by part.
#pragma once

#include <CLI/CLI.hpp>

namespace moesim {

void add_explain(CLI::App& app, int& code);

}  // namespace moesim
