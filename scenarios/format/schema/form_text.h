// Rows of keys in words, for reference pages.
#pragma once

#include <string>

#include "base/keys.h"

namespace moesim {

// What a value may be: "whole number from 1 to 65,536", "`true`, `false`". Words and values stand
// in backquotes.
std::string form_text(const form::Any& form);

// What holds without the key, or "required".
std::string default_text(const KeyFacts& facts);

// The meaning, and when the key applies.
std::string full_meaning(const KeyFacts& facts);

}  // namespace moesim
