// The pieces that the schema of scenario files is put together from: one function for each way that
// the readers read a value.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/quantity.h"
#include "base/words.h"

namespace moesim::schema {

using Json = nlohmann::ordered_json;

enum class Need { kOptional, kRequired };

struct Key {
  std::string name;
  Json value;
  Need need = Need::kOptional;
};

// The value with what a reader takes when the key is left out: a value of its own, or words for one
// that other keys decide, which close the meaning as " (default: WORDS)".
Json by_default(const Json& value, Json schema);
Json by_default_as(const std::string& words, Json schema);

// A map of exactly these keys.
Json map_of(const std::string& meaning, const std::vector<Key>& keys);
Json list_of(const std::string& meaning, const Json& item);
// Any of several forms.
Json either(const std::vector<Json>& forms, const std::string& meaning);

Json whole_number(std::int64_t min, std::int64_t max, const std::string& meaning);
Json number(double min, double max, const std::string& meaning);
Json flag(const std::string& meaning);
Json quantity(Dimension dimension, const std::string& meaning, bool zero_allowed = false);
Json text(const std::string& meaning);
// A name of a list, or the path of a file of one's own.
Json name_or_path(const std::vector<std::string>& names, const std::string& meaning);
Json one_of(const std::vector<std::string>& words, const std::string& meaning);
template <class T>
Json word(const std::string& meaning) {
  return one_of(words_of<T>(), meaning);
}

// The parts that have files of their own.
Json engine();
Json faults();
Json router();
Json workload();
Json sweep();

}  // namespace moesim::schema
