// Strict reading of YAML and JSON files: every value knows its file, line and path; every key that
// nobody asked for is a fault with a suggestion; all faults are collected before anything runs.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/input_error.h"
#include "base/quantity.h"
#include "base/words.h"

namespace moesim {

// A value inside a document. Cheap to copy. Reading never throws: faults go to `faults()`.
class Value {
 public:
  Value(const YAML::Node& node, std::string file, std::string path, Faults* faults)
      : node_(node), file_(std::move(file)), path_(std::move(path)), faults_(faults) {}

  bool is_map() const { return node_.IsMap(); }
  bool is_list() const { return node_.IsSequence(); }
  bool is_scalar() const { return node_.IsScalar(); }
  bool is_null() const { return node_.IsNull(); }
  // A quoted scalar is text whatever it looks like.
  bool is_quoted() const { return node_.IsScalar() && node_.Tag() == "!"; }

  // Each reads this value as one type, or adds a fault that says what is allowed and returns
  // nothing.
  std::optional<std::string> text() const;
  std::optional<bool> boolean() const;
  std::optional<std::int64_t> integer(std::int64_t min, std::int64_t max) const;
  std::optional<double> number(double min, double max) const;  // Bounds inclusive; finite.
  // A quantity with unit, in SI; must be > 0 unless zero_allowed.
  std::optional<double> quantity(Dimension dimension, bool zero_allowed = false) const;
  // One of `names`; the result is its index.
  std::optional<std::size_t> choice(const std::vector<std::string>& names) const;
  // One of the words of T (base/words.h), or of those of `choices` alone.
  template <class T>
  std::optional<T> word(std::span<const T> choices = {}) const {
    const std::vector<std::string> words = allowed_words(choices);
    const auto index = choice(words);
    return index ? from_word<T>(words[*index]) : std::nullopt;
  }
  // The items of a list; a fault if it is no list.
  std::vector<Value> items() const;
  // The (key, value) pairs of a map in file order; a fault if it is no map.
  std::vector<std::pair<std::string, Value>> entries() const;

  // Adds a fault at this place; `shown` replaces the value in the message when not empty.
  void fault(const std::string& allowed, const std::string& shown = "") const;

  const std::string& file() const { return file_; }
  const std::string& path() const { return path_; }
  int line() const { return node_.Mark().line + 1; }
  const YAML::Node& node() const { return node_; }
  Faults& faults() const { return *faults_; }
  Value child(const YAML::Node& node, const std::string& key) const;

 private:
  YAML::Node node_;
  std::string file_;
  std::string path_;
  Faults* faults_;
};

// Reads a map key by key and, at done(), reports every key that was never asked for.
class MapReader {
 public:
  // A fault is added if `value` is no map; then every key reads as absent.
  explicit MapReader(Value value);

  bool has(const std::string& key) const;
  // The value, or nothing if the key is absent or null. Marks the key as known.
  std::optional<Value> optional(const std::string& key);
  // The same, but absence is a fault ("missing; allowed: ...").
  std::optional<Value> required(const std::string& key, const std::string& allowed);

  // Short forms with a default for absent keys; faults also yield the default.
  std::string text_or(const std::string& key, const std::string& otherwise);
  std::int64_t integer_or(const std::string& key, std::int64_t otherwise, std::int64_t min,
                          std::int64_t max);
  double number_or(const std::string& key, double otherwise, double min, double max);
  double quantity_or(const std::string& key, Dimension dimension, double otherwise);

  const Value& value() const { return value_; }
  // Adds a fault with "did you mean" for every key that was not asked for.
  void done();

 private:
  Value value_;
  std::vector<std::string> known_;
};

// Parses YAML or JSON. Refuses duplicate keys, which yaml-cpp would keep in silence.
// `name` is what messages call the file.
// Throws: InputError if the text does not parse, is empty, or is refused by text_guard.h.
inline constexpr std::size_t kMostDocumentBytes = 1'000'000;
YAML::Node parse_document(const std::string& text, const std::string& name,
                          std::size_t max_bytes = kMostDocumentBytes);

// The value as a file writes it, on one line.
std::string value_text(const YAML::Node& value);

// Where a file says `section.key` below `whole`: the key, else its section, else `whole`.
Value closest(const Value& whole, const std::string& section, const std::string& key);

// No file that this program reads as a whole is longer.
inline constexpr std::uint64_t kMostFileBytes = std::uint64_t{4} << 30U;

// The whole file as text. Throws: InputError if it is missing, no regular file (a folder, a pipe, a
// device that never ends), longer than that, or unreadable.
std::string read_file(const std::string& path, std::uint64_t most_bytes = kMostFileBytes);

}  // namespace moesim
