// What the readers of a scenario's parts have in common.
#pragma once

#include <optional>
#include <string>

#include "base/document.h"

namespace moesim {

// A reader of the map, or nothing after a fault that shows what the map may look like.
std::optional<MapReader> map_like(const Value& value, const std::string& example);

// The largest quantity that makes sense, in SI and in words ("100 kW").
struct QuantityLimit {
  double max;
  const char* text;
};

// A quantity above zero and up to the limit; `otherwise` when the key is absent or faulty.
double quantity_up_to(MapReader& reader, const std::string& key, Dimension dimension,
                      double otherwise, const QuantityLimit& limit);
// The same for a value; nothing after a fault.
std::optional<double> quantity_up_to(const Value& value, Dimension dimension,
                                     const QuantityLimit& limit);

// A finite number without a unit, if the text is one.
std::optional<double> plain_number(const std::string& text);

// A name that fits a table: one line of at most 100 bytes. "" after a fault.
std::string report_name(MapReader& reader);

// Where a file says `section.key` below `whole`: the key, else its section, else `whole`.
Value closest(const Value& whole, const std::string& section, const std::string& key);

// A file or folder that the value names: relative to the value's own file, else as it stands.
std::string file_beside(const Value& value, const std::string& name);
// The same for a name that means a file only if it looks like a path.
std::string name_or_file_beside(const Value& value, const std::string& name);

// Faults about the name itself belong to the value; those inside the file stay there.
void refuse(const Value& value, const InputError& error);

// One of the words of T; nothing changes when the key is absent or faulty.
template <class T>
void read_word(MapReader& map, const std::string& key, T& chosen) {
  if (const auto value = map.optional(key)) chosen = value->word<T>().value_or(chosen);
}

}  // namespace moesim
