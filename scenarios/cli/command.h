// Commands and options as data: the parser, its help, completion and the manual are made from them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace moesim {

// Where a value goes: a flag, a whole number, a text, or every text that is given.
using Target = std::variant<bool*, std::int64_t*, std::optional<std::int64_t>*, std::string*,
                            std::vector<std::string>*>;

struct Bounds {
  std::int64_t least;
  std::int64_t most;
};

// Kinds of values that a shell can offer.
enum class Offer { kFiles, kFolders, kModels, kHardware, kNodes };

struct Option {
  std::string name;  // "--jobs"; without dashes an argument that is known by its place: "FILE".
  std::string help;
  Target target;
  std::string value = {};                  // Stands for the value of an option in help: "N".
  std::string otherwise = {};              // The default in words; empty = none to tell.
  std::optional<Bounds> bounds = {};       // Of a number; inclusive.
  std::vector<std::string> words = {};     // The only values; empty = any.
  std::vector<Offer> offers = {};          // Completion, besides `words`.
  std::vector<std::string> suffixes = {};  // Of files that completion offers; empty = all.
  bool required = false;
  std::string former_name = {};  // Of earlier versions: still read, in no help or completion.

  bool is_flag() const { return std::holds_alternative<bool*>(target); }
  bool is_positional() const { return !name.starts_with("-"); }
  bool is_list() const { return std::holds_alternative<std::vector<std::string>*>(target); }
};

// "N" or "linear|eplb"; empty for flags and for arguments whose name says it.
std::string value_text(const Option& option);

// Help with words or bounds, default, and whether the option may be repeated.
std::string full_help(const Option& option);

struct Command {
  std::string name;
  std::string help;
  std::vector<Option> options;
  std::function<int()> run;  // Returns the exit code.
};

// "moesim check [OPTIONS] FILE".
std::string usage_text(const Command& command);

}  // namespace moesim
