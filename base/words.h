// The words of an enum, as files and reports write them: one table beside the enum.
//
//   enum class Sampling { kGreedy, kRandom };
//   template <>
//   inline constexpr auto kWords<Sampling> = enum_words<Sampling>({
//       {Sampling::kGreedy, "greedy"},
//       {Sampling::kRandom, "random"},
//   });
//
// A table that lacks an enumerator, has them in another order or uses a word twice does not
// compile.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moesim {

template <class Enum>
struct EnumWord {
  Enum value{};
  const char* word = "";
};

// The words of an enum in its order.
template <class Enum, std::size_t kCount>
struct EnumWords {
  std::array<EnumWord<Enum>, kCount> rows;
};

// Whether the enum has a name for this value. GCC and Clang write a named one as "Enum::kName", any
// other as "(Enum)5".
template <auto kValue>
consteval bool is_enumerator() {
  constexpr std::string_view kMarker = "kValue = ";
  const std::string_view name = __PRETTY_FUNCTION__;
  return name[name.rfind(kMarker) + kMarker.size()] != '(';
}

template <class Enum, std::size_t kCount>
consteval EnumWords<Enum, kCount> enum_words(const EnumWord<Enum> (&rows)[kCount]) {
  static_assert(!is_enumerator<static_cast<Enum>(kCount)>(), "an enumerator has no word");
  EnumWords<Enum, kCount> words;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (rows[i].value != static_cast<Enum>(i)) throw "words stand in the order of their enum";
    for (std::size_t j = 0; j < i; ++j) {
      if (std::string_view(rows[i].word) == rows[j].word) throw "a word stands for one value only";
    }
    words.rows[i] = rows[i];
  }
  return words;
}

// Specialised beside each enum that has words.
struct NoWords {};
template <class Enum>
inline constexpr NoWords kWords{};

template <class Enum>
concept Worded = requires {
  kWords<Enum>.rows;
};

// Number of words, which is that of enumerators.
template <Worded Enum>
inline constexpr std::size_t kNumWords = kWords<Enum>.rows.size();

// How a type is written as words: specialised for what is worded, but no enum.
template <class T>
struct Wording;
template <Worded Enum>
struct Wording<Enum> {
  static std::vector<std::string> words() {
    std::vector<std::string> all;
    for (const auto& row : kWords<Enum>.rows) all.emplace_back(row.word);
    return all;
  }
  static constexpr const char* word(Enum value) {
    return kWords<Enum>.rows[static_cast<std::size_t>(value)].word;
  }
  static constexpr std::optional<Enum> parse(std::string_view word) {
    for (const auto& row : kWords<Enum>.rows) {
      if (row.word == word) return row.value;
    }
    return std::nullopt;
  }
};

// All words, an enum's in its order.
template <class T>
std::vector<std::string> words_of() {
  return Wording<T>::words();
}

// The word for a value.
template <class T>
constexpr const char* word_of(T value) {
  return Wording<T>::word(value);
}

// The value that a word stands for; nothing if there is none.
template <class T>
constexpr std::optional<T> from_word(std::string_view word) {
  return Wording<T>::parse(word);
}

// The words of these values, or of all where none are given.
template <class T>
std::vector<std::string> allowed_words(std::span<const T> choices) {
  if (choices.empty()) return words_of<T>();
  std::vector<std::string> words;
  for (const T choice : choices) words.emplace_back(word_of(choice));
  return words;
}

}  // namespace moesim
