// What is refused in a YAML or JSON text before it is read: files that are no text, and the parts
// of YAML that would mislead or never end.
#pragma once

#include <cstddef>
#include <string>

namespace moesim {

// The text with every character that a terminal would obey instead of showing it, and every byte
// that is no UTF-8, as its code: \x1b, \u202e.
std::string escaped(const std::string& text);

// `name` is what messages call the file.
// Throws: InputError for more than `max_bytes`, text that is not UTF-8, control characters, those
// that turn the direction of writing, aliases
// (they can refer to themselves or multiply without end), a second document, nesting deeper than
// 50, tabs as indentation, syntax errors.
void refuse_misleading_text(const std::string& text, const std::string& name,
                            std::size_t max_bytes);

}  // namespace moesim
