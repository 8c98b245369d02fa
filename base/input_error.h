// Faults in what the user gave us: collected all at once, thrown once, printed by main.
#pragma once

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

  // "file:line: path: value: allowed", leaving out what is empty.
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

// Collects faults so that the user sees all of them at once.
class Faults {
 public:
  void add(Fault fault) { faults_.push_back(std::move(fault)); }
  bool empty() const { return faults_.empty(); }
  const std::vector<Fault>& all() const { return faults_; }

  // Throws: InputError if any fault was added.
  void throw_if_any() const;

 private:
  std::vector<Fault> faults_;
};

// The candidate closest to `word` by edit distance, if close enough to be a likely slip; else "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

// "a, b, c" for lists of allowed values in messages.
std::string comma_list(const std::vector<std::string>& words);

}  // namespace moesim
