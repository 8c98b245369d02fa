// Lines of whole numbers between commas, as routing statistics are kept in.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace moesim {

// Fills `numbers` from "3,17,2004", blanks around a number allowed; false unless there are exactly
// that many numbers and nothing else.
bool read_numbers(std::string_view line, std::span<std::int64_t> numbers);

// Whether a line is that header, blanks around a name and capitals apart.
bool is_header(std::string_view line, std::string_view header);

}  // namespace moesim
