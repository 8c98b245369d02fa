// The fields of a value, named once for all that goes through them: writer, reader, schema.
#pragma once

#include <tuple>

namespace moesim {

// Where a field is written.
enum class Place {
  kEverywhere,
  kDetail,     // Where a report shows details: of a large sweep they would be most of the file.
  kTransport,  // Between processes and in sweep.db; report.json has it elsewhere or not at all.
};

template <class Owner, class Value>
struct Field {
  constexpr Field(const char* name, Value Owner::*value, const char* words = "",
                  Place where = Place::kEverywhere)
      : key(name), member(value), meaning(words), place(where) {}

  const char* key;
  Value Owner::*member;
  const char* meaning;  // For the schema; may be empty.
  Place place;
};

// Specialised with kAll, a std::tuple of Field, in the order of the file.
template <class T>
struct Fields {};

template <class T>
concept HasFields = requires {
  Fields<T>::kAll;
};

template <HasFields T, class Visit>
constexpr void for_each_field(const Visit& visit) {
  std::apply([&](const auto&... field) { (visit(field), ...); }, Fields<T>::kAll);
}

}  // namespace moesim
