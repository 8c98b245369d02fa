// What the value of a key may be. A form reads a value of a document or adds a fault that says what
// is allowed, writes one back, and can be looked at by whoever describes a file format: JSON
// Schema, reference pages.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/document.h"
#include "base/quantity.h"
#include "base/words.h"

namespace moesim {

struct KeyFacts;

namespace form {

// Forms of one value. `Result` is what they read; bounds are inclusive.
struct Flag {
  using Result = bool;
  std::optional<bool> read(const Value& value) const { return value.boolean(); }
  std::string write(bool flag) const { return flag ? "true" : "false"; }
};

struct Whole {
  using Result = std::int64_t;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::optional<std::int64_t> read(const Value& value) const { return value.integer(min, max); }
  std::string write(std::int64_t number) const { return std::to_string(number); }
};

struct Number {
  using Result = double;
  double min = 0;
  double max = 0;
  std::optional<double> read(const Value& value) const { return value.number(min, max); }
  std::string write(double number) const;
};

// A number with a unit. Bounds are in SI.
struct Quantity {
  using Result = double;
  Dimension dimension = Dimension::kTime;
  double max = std::numeric_limits<double>::infinity();
  const char* most = "";  // The upper bound as a user would write it, "60 s"; empty = in SI.
  double min = 0;
  bool zero_allowed = false;
  std::optional<double> read(const Value& value) const;
  std::string write(double si) const { return quantity_text(si, dimension); }
};

// One of the words of T (base/words.h), or of some of its values only.
template <class T>
struct Word {
  using Result = T;
  std::span<const T> choices = {};
  std::optional<T> read(const Value& value) const { return value.word<T>(choices); }
  std::string write(T choice) const { return word_of(choice); }
};

struct Text {
  using Result = std::string;
  std::optional<std::string> read(const Value& value) const { return value.text(); }
  std::string write(const std::string& text) const { return text; }
};

// A name that fits a table: one line of some bytes at most.
struct Title {
  using Result = std::string;
  std::size_t max_bytes = 100;
  // A name that does not fit is a fault, and still names what it names.
  std::optional<std::string> read(const Value& value) const;
  std::string write(const std::string& text) const { return text; }
};

// A list of whole numbers.
struct Wholes {
  using Result = std::vector<std::int64_t>;
  Whole item;
  std::optional<Result> read(const Value& value) const;
  std::string write(const Result& numbers) const;
};

// A number of things, "500 requests".
struct Count {
  using Result = std::int64_t;
  std::string of;  // "requests"
  Whole number;
  std::optional<std::int64_t> read(const Value& value) const;
  std::string write(std::int64_t count) const { return std::to_string(count) + " " + of; }
  std::string allowed() const;
};

// Forms that code of its own reads.
struct Words {
  std::vector<std::string> words;
};
struct Name {  // A name of a list; with `or_path` also a file of one's own.
  std::vector<std::string> (*names)();
  std::string allowed;
  bool or_path = true;
};
struct Constant {  // This and nothing else, as YAML writes it.
  std::string value;
};
struct Values {};  // A list of whatever the thing named by the key may be.

// A form with its meaning, inside another one.
struct Part;
struct Map {
  std::vector<KeyFacts> keys;
  std::string example;         // "{node: dgx-h100, nodes: 1}", for messages.
  bool exactly_one = false;    // Of the keys.
  std::vector<Part> others{};  // At most one: what stands under keys that the user names.
};
struct List {
  std::vector<Part> item;  // One.
  std::string allowed = "a list expected";
};
struct Either {
  std::vector<Part> forms;
  std::string allowed;
};

using Any = std::variant<Flag, Whole, Number, Quantity, Text, Title, Wholes, Count, Words, Name,
                         Constant, Values, Map, List, Either>;

struct Part {
  Any form;
  std::string meaning;
};

template <class T>
Any described(const Word<T>& word) {
  return Words{allowed_words(word.choices)};
}
template <class Form>
Any described(Form form) {
  return form;
}

// Of a number, with or without a unit (in SI); nothing for other forms.
std::optional<Number> bounds_of(const Any& form);

// What a message says is allowed, for a value that is missing.
std::string allowed_text(const Any& form);

}  // namespace form
}  // namespace moesim
