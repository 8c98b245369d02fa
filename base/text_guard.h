// What is refused in a YAML or JSON text before it is read: files that are no text, and the parts
// of YAML that would mislead or never end.
#pragma once

#include <cstddef>
#include <string>

namespace moesim {

// `name` is what messages call the file.
// Throws: InputError for more than `max_bytes`, text that is not UTF-8, control characters, aliases
// (they can refer to themselves or multiply without end), a second document, nesting deeper than
// 50, tabs as indentation, syntax errors.
void refuse_misleading_text(const std::string& text, const std::string& name,
                            std::size_t max_bytes);

}  // namespace moesim
