// One key of a file is one row: its name, what its value may be, what holds without it, what it
// means, when it applies, and the member that it sets. Readers, writers, JSON Schema and reference
// pages are loops over tables of such rows:
//
//   const Keys<PlacementSpec>& placement_keys() {
//     using P = PlacementSpec;
//     static const Keys<P> keys = {
//         key(&P::redundant_experts, "redundant_experts", form::Whole{0, 1000}, kAsBuilt,
//             "Further copies of busy experts, per layer"),
//     };
//     return keys;
//   }
//   read_keys(map, placement_keys(), spec);    // What the map gives; faults go to its collector.
//   write_keys(placement_keys(), spec, node);  // Every key.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/document.h"
#include "base/form.h"

namespace moesim {

// What holds where a key is left out.
struct Default {
  enum class Kind {
    kRequired,  // The key must be given.
    kAsBuilt,   // What a new object has in that member.
    kValue,     // A value as YAML writes it.
    kWords,     // Something that other keys or files decide, in words.
  };
  Kind kind = Kind::kRequired;
  std::string text{};
};
inline const Default kRequired{Default::Kind::kRequired};
inline const Default kAsBuilt{Default::Kind::kAsBuilt};
inline Default by_default(std::string value) {
  return {Default::Kind::kValue, std::move(value)};
}
inline Default otherwise(std::string words) {
  return {Default::Kind::kWords, std::move(words)};
}

// What a row says to a reader of documentation, whatever it fills.
struct KeyFacts {
  std::string name;
  form::Any form{};
  Default fallback{};  // Never kAsBuilt: that is a value by now.
  std::string meaning{};
  std::string applies{};  // "with tokens: recorded"; empty = always.

  bool required() const { return fallback.kind == Default::Kind::kRequired; }
};

// When a key has an effect.
template <class T>
struct Applies {
  std::string words{};
  // Why a key that is given has none, as the message says it; empty = it has.
  std::function<std::string(const T&)> fault{};
};

namespace key_parts {

// How a row reaches its member, without its type.
template <class T>
class Member {
 public:
  virtual ~Member() = default;
  // False after a fault.
  virtual bool read(const Value& value, T& object) const = 0;
  virtual std::optional<double> number(const Value& value) const = 0;
  virtual void set(T& object, double number) const = 0;
  virtual std::optional<double> get(const T& object) const = 0;  // Nothing for words and texts.
  virtual std::optional<std::string> write(const T& object) const = 0;
  virtual bool same(const T& a, const T& b) const = 0;
  virtual void copy(const T& from, T& to) const = 0;
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

// A member of type M as a form reads it (R): units as SI, an optional one as what it holds.
template <class M, class R>
M stored(const R& value) {
  if constexpr (kIsOptional<M>) {
    return stored<typename M::value_type>(value);
  } else if constexpr (std::is_integral_v<R> && !std::is_same_v<R, bool>) {
    static_assert(std::is_integral_v<M> && !std::is_same_v<M, bool>, "a whole number is expected");
    return static_cast<M>(value);
  } else if constexpr (std::is_same_v<M, R>) {
    return value;
  } else {
    static_assert(std::is_same_v<decltype(M(0.0).value()), double>, "the form is of another type");
    return M(value);
  }
}

template <class R, class M>
std::optional<R> loaded(const M& member) {
  if constexpr (std::is_same_v<M, std::optional<R>>) {
    return member;
  } else if constexpr (kIsOptional<M>) {
    return member ? loaded<R>(*member) : std::nullopt;
  } else if constexpr (std::is_same_v<M, R>) {
    return member;
  } else if constexpr (std::is_integral_v<R>) {
    return static_cast<R>(member);
  } else {
    return member.value();
  }
}

template <class T, class M, class Get, class Form>
class FormMember : public Member<T> {
 public:
  FormMember(Get get, Form form) : get_(std::move(get)), form_(std::move(form)) {}

  bool read(const Value& value, T& object) const override {
    const auto read = form_.read(value);
    if (read) get_(object) = stored<M>(*read);
    return read.has_value();
  }
  std::optional<double> number(const Value& value) const override {
    if constexpr (std::is_same_v<Result, double>) {
      return form_.read(value);
    } else {
      return std::nullopt;
    }
  }
  void set(T& object, double number) const override {
    if constexpr (std::is_arithmetic_v<Result>) {
      get_(object) = stored<M>(static_cast<Result>(number));
    }
  }
  std::optional<double> get(const T& object) const override {
    if constexpr (std::is_arithmetic_v<Result>) {
      const auto value = loaded<Result>(get_(object));
      return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  std::optional<std::string> write(const T& object) const override {
    const auto value = loaded<Result>(get_(object));
    return value ? std::optional(form_.write(*value)) : std::nullopt;
  }
  bool same(const T& a, const T& b) const override { return get_(a) == get_(b); }
  void copy(const T& from, T& to) const override { get_(to) = get_(from); }

 private:
  using Result = typename Form::Result;
  Get get_;
  Form form_;
};

// Members of members.
template <class T, class M, class Get>
struct Path {
  Get get;
};

}  // namespace key_parts

// path(&Deployment::serving, &ServingPolicy::memory, &EngineMemoryRules::max_num_seqs)
template <class T, class A, class M>
auto path(A T::*first, M A::*second) {
  const auto get = [=](auto& object) -> auto& {
    return object.*first.*second;
  };
  return key_parts::Path<T, M, decltype(get)>{get};
}
template <class T, class A, class B, class M>
auto path(A T::*first, B A::*second, M B::*third) {
  const auto get = [=](auto& object) -> auto& {
    return object.*first.*second.*third;
  };
  return key_parts::Path<T, M, decltype(get)>{get};
}

template <class T>
struct Key {
  // Without a member: code of its own reads the key.
  Key(KeyFacts said) : facts(std::move(said)) {}  // NOLINT: rows are written in tables
  Key(KeyFacts said, std::shared_ptr<const key_parts::Member<T>> sets)
      : facts(std::move(said)), member(std::move(sets)) {}

  KeyFacts facts;
  std::shared_ptr<const key_parts::Member<T>> member{};
  std::function<std::string(const T&)> fault{};  // As Applies has it.
  bool only_if_set = false;                      // Not written where it is as in a new object.

  const std::string& name() const { return facts.name; }
};

template <class T>
using Keys = std::vector<Key<T>>;

// Rows. Without a member:
template <class Form>
KeyFacts key(std::string name, Form form, Default fallback, std::string meaning,
             std::string applies = "") {
  return {std::move(name), form::described(std::move(form)), std::move(fallback),
          std::move(meaning), std::move(applies)};
}
// With a member at the end of a path:
template <class T, class M, class Get, class Form>
Key<T> key(key_parts::Path<T, M, Get> path, std::string name, Form form, Default fallback,
           std::string meaning, Applies<T> applies = {}) {
  const auto member =
      std::make_shared<key_parts::FormMember<T, M, Get, Form>>(std::move(path.get), form);
  if (fallback.kind == Default::Kind::kAsBuilt) {
    fallback = by_default(member->write(T{}).value_or(""));
  }
  Key<T> row(key(std::move(name), std::move(form), std::move(fallback), std::move(meaning),
                 std::move(applies.words)),
             member);
  row.fault = std::move(applies.fault);
  return row;
}
// With a member of the object itself:
template <class T, class M, class Form>
Key<T> key(M T::*member, std::string name, Form form, Default fallback, std::string meaning,
           Applies<T> applies = {}) {
  const auto get = [=](auto& object) -> auto& {
    return object.*member;
  };
  return key(key_parts::Path<T, M, decltype(get)>{get}, std::move(name), std::move(form),
             std::move(fallback), std::move(meaning), std::move(applies));
}
// Not written where it is as in a new object.
template <class T>
Key<T> only_if_set(Key<T> row) {
  row.only_if_set = true;
  return row;
}

// Rows as documentation sees them.
template <class T>
std::vector<KeyFacts> facts_of(const Keys<T>& keys) {
  std::vector<KeyFacts> facts;
  for (const Key<T>& row : keys) facts.push_back(row.facts);
  return facts;
}

// The row of that name. Requires: there is one.
template <class T>
const Key<T>& row_of(const Keys<T>& keys, std::string_view name) {
  for (const Key<T>& row : keys) {
    if (row.name() == name) return row;
  }
  throw std::logic_error("no key " + std::string(name));
}

// Code that reads keys without a member, by name; it gets nothing where the key is left out.
using KeyCode = std::map<std::string_view, std::function<void(const std::optional<Value>&)>>;

// The value of a row. Absence of a key that is required is a fault.
inline std::optional<Value> value_of(MapReader& map, const KeyFacts& facts) {
  if (!facts.required()) return map.optional(facts.name);
  const bool is_text = std::holds_alternative<form::Text>(facts.form);
  return map.required(facts.name, is_text ? facts.meaning : form::allowed_text(facts.form));
}

// Reads what the map gives, in the order of the table; the rest of the object stays as it is. A row
// without a member goes to its code; without either it is only marked as known. A key that is
// required and missing, a value that its form refuses, and a key that has no effect on the object
// as it is in the end are faults. Returns the rows whose members were set.
template <class T>
std::vector<const Key<T>*> read_keys(MapReader& map, const Keys<T>& keys, T& object,
                                     const KeyCode& code = {}) {
  std::vector<const Key<T>*> given;
  for (const Key<T>& row : keys) {
    const auto reader = code.find(row.name());
    if (reader != code.end()) {
      reader->second(value_of(map, row.facts));
    } else if (!row.member) {
      map.optional(row.name());
    } else if (const auto value = value_of(map, row.facts)) {
      if (row.member->read(*value, object)) given.push_back(&row);
    }
  }
  for (const Key<T>& row : keys) {
    const auto value = row.fault ? map.optional(row.name()) : std::nullopt;
    const std::string fault = value ? row.fault(object) : "";
    if (!fault.empty()) value->fault(fault, "given");
  }
  return given;
}

// The first number of an object that is beyond its bounds, "NAME must be MIN to MAX"; "" if none
// is.
template <class T>
std::string bounds_fault(const Keys<T>& keys, const T& object) {
  for (const Key<T>& row : keys) {
    const auto bounds = form::bounds_of(row.facts.form);
    const auto number = row.member && bounds ? row.member->get(object) : std::nullopt;
    if (number && !(*number >= bounds->min && *number <= bounds->max)) {
      return row.name() + " must be " + bounds->write(bounds->min) + " to " +
             bounds->write(bounds->max);
    }
  }
  return "";
}

// Takes over what the rows set.
template <class T>
void copy_keys(const std::vector<const Key<T>*>& rows, const T& from, T& to) {
  for (const Key<T>* row : rows) row->member->copy(from, to);
}

// Reads one key of the table by itself. False where it is left out or refused.
template <class T>
bool read_key(MapReader& map, const Keys<T>& keys, std::string_view name, T& object) {
  const Key<T>& row = row_of(keys, name);
  const auto value = value_of(map, row.facts);
  return value && row.member->read(*value, object);
}

// All keys of a kind of map.
template <class T>
struct KeyMap {
  std::string example;  // "{node: dgx-h100, nodes: 1}", for messages.
  Keys<T> keys;

  form::Map form() const { return {facts_of(keys), example}; }
};

// A reader of the map, or nothing after a fault that shows what the map may look like.
template <class T>
std::optional<MapReader> open_map(const Value& value, const KeyMap<T>& map) {
  if (value.is_map()) return MapReader(value);
  value.fault("a map such as " + map.example + " expected");
  return std::nullopt;
}

// Reads a map of exactly these keys. False if it is none.
template <class T>
bool read_map(const Value& value, const KeyMap<T>& map, T& object, const KeyCode& code = {}) {
  auto reader = open_map(value, map);
  if (!reader) return false;
  read_keys(*reader, map.keys, object, code);
  reader->done();
  return true;
}

// The key's member as text; nothing where it has none, or where it is left out.
template <class T>
std::optional<std::string> written(const Key<T>& row, const T& object) {
  if (!row.member || (row.only_if_set && row.member->same(object, T{}))) return std::nullopt;
  return row.member->write(object);
}

template <class T>
void write_keys(const Keys<T>& keys, const T& object, YAML::Node& node) {
  for (const Key<T>& row : keys) {
    if (const auto text = written(row, object)) node[row.name()] = *text;
  }
}

}  // namespace moesim
