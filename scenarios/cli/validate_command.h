// The command `validate`.
#pragma once

namespace CLI {
class App;
}

namespace moesim {

// Adds it to the program; its callback sets `code`.
void add_validate(CLI::App& app, int& code);

}  // namespace moesim
