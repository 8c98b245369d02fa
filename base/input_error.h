// Faults in what the user gave us: collected all at once, thrown once, printed by main.
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moesim {

// One fault: where it is, what was found, what is allowed.
struct Fault {
  std::string file;     // As the user wrote it; empty when the fault is on the command line.
  int line = 0;         // 1-based; 0 when there is no line.
  std::string path;     // Dotted path inside the file, e.g. "cases.moe.parallel.ep".
  std::string value;    // What was found.
  std::string allowed;  // What would be right.

  // "file:line: path: value: allowed", leaving out what is empty. A value is shown from its
  // beginning, and without characters that a terminal obeys.
  std::string text() const;
};

// Wrong input; what() is all fault lines joined by newlines. Only main catches it and exits with 1.
class InputError : public std::runtime_error {
 public:
  explicit InputError(std::vector<Fault> faults);
  const std::vector<Fault>& faults() const { return faults_; }

 private:
  std::vector<Fault> faults_;
};

// What a reader says of keys that it does not know, by key: how it calls what they ask for, or that
// it has none of it.
using KeyAdvice = std::map<std::string, std::string, std::less<>>;

// Collects faults so that the user sees all of them at once.
class Faults {
 public:
  Faults() = default;
  // `advice` must outlive this.
  explicit Faults(const KeyAdvice& advice) : advice_(&advice) {}

  // Of an unknown key; "" if there is none.
  std::string advice_on(std::string_view key) const;
  void add(Fault fault) { faults_.push_back(std::move(fault)); }
  bool empty() const { return faults_.empty(); }
  const std::vector<Fault>& all() const { return faults_; }

  // Throws: InputError if any fault was added.
  void throw_if_any() const;

 private:
  std::vector<Fault> faults_;
  const KeyAdvice* advice_ = nullptr;
};

// At most `most` candidates that `word` may stand for, the nearest first: those that differ by a
// slip, and those that have all parts of the word ("h200" of "dgx-h200"). Upper case is as lower
// case. Empty if none is near.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates,
                                 std::size_t most = 3);

// The first of these; "" if there is none.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// "did you mean a, b or c? " of the nearest; "" if none is near.
std::string nearest_text(std::string_view word, const std::vector<std::string>& candidates);

// What it says of a name that is none of a list: all of a short list and the nearest, else the
// nearest alone and the words that tell where the list is ("see moesim list models").
std::string expected_name(std::string_view word, const std::vector<std::string>& names,
                          const std::string& where_listed);

// A to Z as a to z.
std::string lower_case(std::string_view text);

// "a, b, c" for lists of allowed values in messages; the last after `last` ("a, b or c").
std::string comma_list(const std::vector<std::string>& words, std::string_view last = ", ");

}  // namespace moesim
