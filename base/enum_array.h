// An array with one element per enumerator, indexed by the enumerator itself.
#pragma once

#include <array>
#include <cstddef>

#include "base/words.h"

namespace moesim {

// How many enumerators E has; they count from 0 without a gap. Specialise it beside an enum that
// has no words.
template <class E>
inline constexpr std::size_t kNumEnumerators = 0;
template <Worded E>
inline constexpr std::size_t kNumEnumerators<E> = kNumWords<E>;

// Loops may use plain numbers as well.
template <class E, class T>
struct EnumArray : std::array<T, kNumEnumerators<E>> {
  static_assert(kNumEnumerators<E> > 0, "specialise kNumEnumerators beside the enum");
  using Values = std::array<T, kNumEnumerators<E>>;
  using Values::operator[];

  constexpr T& operator[](E e) { return Values::operator[](static_cast<std::size_t>(e)); }
  constexpr const T& operator[](E e) const {
    return Values::operator[](static_cast<std::size_t>(e));
  }
};

}  // namespace moesim
