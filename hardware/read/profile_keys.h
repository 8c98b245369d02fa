// Rows of profiles: what base/keys.h says of a key, how its number is told and drawn, and which
// part of a prediction it enters. Most values are a map {value, source, confidence}.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/keys.h"
#include "hardware/spec/fact.h"

namespace moesim {

class ProfileReader;

enum class Certainty {
  kUncertain,  // Drawn from its range, stated or by its confidence.
  kSetting,    // A count, a word or a setting: no draw changes it, no `range` is allowed.
  kPrice,      // Drawn like the uncertain ones; a `date` is required.
  kGiven,      // A name or a word that stands without a source.
};

template <class T>
struct ProfileKey {
  Key<T> key;
  Certainty certainty = Certainty::kUncertain;
  Enters enters = Enters::kTime;
  std::string with{};                     // Key without which this one is unknown.
  std::function<bool(const T&)> where{};  // Objects that have the key; nothing: all.
  // In place of a member: reads the key, whatever its form.
  std::function<void(ProfileReader&, T&)> take{};

  const std::string& name() const { return key.name(); }
};

template <class T>
using ProfileKeys = std::vector<ProfileKey<T>>;

// Rows by the certainty of their values.
template <class T>
ProfileKey<T> uncertain(Enters enters, Key<T> key) {
  return {std::move(key), Certainty::kUncertain, enters};
}
template <class T>
ProfileKey<T> setting(Enters enters, Key<T> key) {
  return {std::move(key), Certainty::kSetting, enters};
}
template <class T>
ProfileKey<T> price(Key<T> key) {
  return {std::move(key), Certainty::kPrice, Enters::kMoney};
}
template <class T>
ProfileKey<T> given(Key<T> key) {
  return {std::move(key), Certainty::kGiven};
}

// The same row where another key is given, or where the object is of some kind.
template <class T>
ProfileKey<T> beside(const std::string& other, ProfileKey<T> row) {
  row.with = other;
  row.key.facts.applies = "with " + other;
  return row;
}
template <class T>
ProfileKey<T> where(bool (*is)(const T&), const std::string& in_words, ProfileKey<T> row) {
  row.where = is;
  row.key.facts.applies = in_words;
  return row;
}

// Rows as documentation sees them.
template <class T>
std::vector<KeyFacts> facts_of(const ProfileKeys<T>& keys) {
  std::vector<KeyFacts> facts;
  for (const ProfileKey<T>& row : keys) facts.push_back(row.key.facts);
  return facts;
}

}  // namespace moesim
