// What is refused in a scenario's text before it is read: files that are no text, and the parts of
// YAML that would mislead or never end.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

namespace moesim {

// parse_document() for text that a user typed. `name` is what messages call it.
// Throws: InputError for more than 1 MB, text that is not UTF-8, control characters, aliases (they
// can refer to themselves or multiply without end), a second document, nesting deeper than 50, tabs
// as indentation, syntax errors, keys given twice.
YAML::Node read_guarded(const std::string& text, const std::string& name);

}  // namespace moesim
