// Rows of profiles, where every value is a map {value, source, confidence}: what base/keys.h says
// of a key, and how its number is told and drawn.
#pragma once

#include <utility>
#include <vector>

#include "base/keys.h"

namespace moesim {

enum class Certainty {
  kUncertain,  // Drawn from its range, stated or by its confidence.
  kSetting,    // A count, a word or a setting: no draw changes it, no `range` is allowed.
  kPrice,      // Drawn like the uncertain ones; a `date` is required.
};

template <class T>
struct ProfileKey {
  Key<T> key;
  Certainty certainty = Certainty::kUncertain;

  const std::string& name() const { return key.name(); }
};

template <class T>
using ProfileKeys = std::vector<ProfileKey<T>>;

// Rows as documentation sees them.
template <class T>
std::vector<KeyFacts> facts_of(const ProfileKeys<T>& keys) {
  std::vector<KeyFacts> facts;
  for (const ProfileKey<T>& row : keys) facts.push_back(row.key.facts);
  return facts;
}

}  // namespace moesim
