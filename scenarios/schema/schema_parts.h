// The pieces that the schema of scenario files is put together from: one function for each way that
// the readers read a value.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/quantity.h"

namespace moesim::schema {

using Json = nlohmann::ordered_json;

enum class Need { kOptional, kRequired };

struct Key {
  std::string name;
  Json value;
  Need need = Need::kOptional;
};

// A map of exactly these keys.
Json map_of(const std::vector<Key>& keys);
Json list_of(const Json& item);
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
template <class Words>
Json word(const Words& words, const std::string& meaning) {
  return one_of({words.begin(), words.end()}, meaning);
}

// The parts of a case that have files of their own.
Json engine();
Json router();

}  // namespace moesim::schema
