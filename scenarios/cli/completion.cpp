#include "scenarios/cli/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace moesim {
namespace {

constexpr std::pair<Offer, const char*> kOffers[] = {{Offer::kFiles, "files"},
                                                     {Offer::kFolders, "folders"},
                                                     {Offer::kModels, "models"},
                                                     {Offer::kHardware, "hardware"},
                                                     {Offer::kNodes, "nodes"}};

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// A word of a shell script, whatever is in it.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string with_backslashes(const std::string& text, const std::string& before) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || before.find(c) != std::string::npos) out += '\\';
    out += c;
  }
  return out;
}

// The kinds of values, e.g. "models files".
std::string kinds_of(const Option& option) {
  std::vector<std::string> kinds;
  for (const auto& [offer, kind] : kOffers) {
    if (std::count(option.offers.begin(), option.offers.end(), offer) > 0) kinds.push_back(kind);
  }
  return joined(kinds);
}

// The shell function that offers the values, with its arguments; empty if any value will do.
std::string offer_call(const Option& option) {
  if (!option.words.empty()) return "_moesim_words " + quoted(joined(option.words));
  if (option.offers.empty()) return "";
  return fmt::format("_moesim_offer {} {}", quoted(kinds_of(option)),
                     quoted(joined(option.suffixes)));
}

constexpr const char* kBashFunctions =
    R"sh(# Completion of moesim for bash, made by `moesim completion bash`.

_moesim_words() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$cur")
}

# Files that end in one of the suffixes (all without any), and folders to look into.
_moesim_files() {
  local name suffix
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do
    if [[ -z $1 || -d $name ]]; then
      COMPREPLY+=("$name")
      continue
    fi
    for suffix in $1; do [[ $name == *."$suffix" ]] && COMPREPLY+=("$name"); done
  done < <(compgen -f -- "$cur")
}

_moesim_folders() {
  local name
  compopt -o filenames 2>/dev/null
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -d -- "$cur")
}

_moesim_list() {
  MOESIM_NO_BUILD=1 "${COMP_WORDS[0]/#\~/$HOME}" list "$1" 2>/dev/null
}

# _moesim_offer KINDS SUFFIXES
_moesim_offer() {
  local kind
  for kind in $1; do
    case $kind in
      files) _moesim_files "$2" ;;
      folders) _moesim_folders ;;
      models) _moesim_words "$(_moesim_list models)" ;;
      hardware) _moesim_words "$(_moesim_list hardware | sed -n 's/^  //p')" ;;
      nodes) _moesim_words "$(_moesim_list hardware | sed -n '/^nodes:/,/^[a-z]*:$/s/^  //p')" ;;
    esac
  done
}
)sh";

constexpr const char* kBashMain = R"sh(
_moesim() {
  local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  local options='' valued=' ' place=0 i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _moesim_words "$_moesim_commands --help --version"
    return
  fi
  _moesim_options
  [[ $cur == '=' ]] && cur=''  # Bash takes "--out=x" for three words.
  [[ $option == '=' ]] && option=${COMP_WORDS[COMP_CWORD - 2]}
  if [[ $valued == *" $option "* ]]; then
    _moesim_value
    return
  fi
  if [[ $cur == -* ]]; then
    _moesim_words "$options --help"
    return
  fi
  for ((i = 2; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == -* || ${COMP_WORDS[i]} == '=' || ${COMP_WORDS[i - 1]} == '=' ]] && continue
    [[ $valued == *" ${COMP_WORDS[i - 1]} "* ]] || ((++place))
  done
  _moesim_argument
}
complete -F _moesim moesim
)sh";

// The names of all options, and of those that take a value.
std::string bash_options(const Command& command) {
  std::string options, valued;
  for (const Option& option : command.options) {
    if (option.is_positional()) continue;
    options += " " + option.name;
    if (!option.is_flag()) valued += option.name + " ";
  }
  return fmt::format("    {}) options='{}' valued=' {}' ;;\n", command.name, options, valued);
}

std::string bash_values(const Command& command) {
  std::string cases;
  for (const Option& option : command.options) {
    const std::string call = offer_call(option);
    if (option.is_positional() || call.empty()) continue;
    cases += fmt::format("    '{} {}') {} ;;\n", command.name, option.name, call);
  }
  return cases;
}

std::string bash_arguments(const Command& command) {
  std::string cases;
  int place = 0;
  for (const Option& option : command.options) {
    if (!option.is_positional()) continue;
    const std::string call = offer_call(option);
    const std::string which = option.is_list() ? fmt::format("'{} '*", command.name)
                                               : fmt::format("'{} {}'", command.name, place);
    if (!call.empty()) cases += fmt::format("    {}) {} ;;\n", which, call);
    ++place;
  }
  return cases;
}

std::string bash_script(const std::vector<Command>& commands) {
  std::string names, options, values, arguments;
  for (const Command& command : commands) {
    names += (names.empty() ? "" : " ") + command.name;
    options += bash_options(command);
    values += bash_values(command);
    arguments += bash_arguments(command);
  }
  return kBashFunctions +
         fmt::format(
             "\n_moesim_commands='{}'\n"
             "\n_moesim_options() {{\n  case $command in\n{}  esac\n}}\n"
             "\n_moesim_value() {{\n  case \"$command $option\" in\n{}  esac\n}}\n"
             "\n_moesim_argument() {{\n  case \"$command $place\" in\n{}  esac\n}}\n",
             names, options, values, arguments) +
         kBashMain;
}

constexpr const char* kZshFunctions = R"sh(#compdef moesim
# Completion of moesim for zsh, made by `moesim completion zsh`.

_moesim_words() {
  local -a found=(${=1})
  compadd -a found
}

_moesim_list() {
  MOESIM_NO_BUILD=1 ${~program} list $1 2>/dev/null
}

# _moesim_offer KINDS SUFFIXES
_moesim_offer() {
  local kind suffixes=$2
  for kind in ${=1}; do
    case $kind in
      files)
        if [[ -n $suffixes ]]; then
          _files -g "*.(${suffixes// /|})"
        else
          _files
        fi ;;
      folders) _files -/ ;;
      models) _moesim_words "$(_moesim_list models)" ;;
      hardware) _moesim_words "$(_moesim_list hardware | sed -n 's/^  //p')" ;;
      nodes) _moesim_words "$(_moesim_list hardware | sed -n '/^nodes:/,/^[a-z]*:$/s/^  //p')" ;;
    esac
  done
}
)sh";

constexpr const char* kZshMain = R"sh(
_moesim() {
  local program=$words[1] curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C '(- *)--help[Print help]' '(- *)--version[Print the version]' \
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe -t commands command _moesim_commands ;;
    argument) _moesim_arguments ;;
  esac
}

_moesim "$@"
)sh";

// What _arguments takes: '--jobs=[Cases at once]:N:', '1:FILE:_moesim_offer ...'.
std::string zsh_argument(const Option& option, int place) {
  const std::string call = offer_call(option);
  const std::string title = option.value.empty() ? option.name : option.value;
  const std::string value = ":" + with_backslashes(title, ":") + ":" + call;
  if (option.is_positional()) return (option.is_list() ? "*" : std::to_string(place)) + value;
  const std::string help = "[" + with_backslashes(full_help(option), "[]:") + "]";
  if (option.is_flag()) return option.name + help;
  return (option.is_list() ? "*" : "") + option.name + "=" + help + value;
}

std::string zsh_case(const Command& command) {
  std::string arguments = " '--help[Print help]'";
  int place = 0;
  for (const Option& option : command.options) {
    if (option.is_positional()) ++place;
    arguments += " \\\n      " + quoted(zsh_argument(option, place));
  }
  return fmt::format("    {}) _arguments{} ;;\n", command.name, arguments);
}

std::string zsh_script(const std::vector<Command>& commands) {
  std::string names, cases;
  for (const Command& command : commands) {
    names += "  " + quoted(command.name + ":" + command.help) + "\n";
    cases += zsh_case(command);
  }
  return kZshFunctions +
         fmt::format(
             "\n_moesim_commands=(\n{})\n"
             "\n_moesim_arguments() {{\n  case $words[1] in\n{}  esac\n}}\n",
             names, cases) +
         kZshMain;
}

}  // namespace

std::string completion_script(const std::string& shell, const std::vector<Command>& commands) {
  return shell == "zsh" ? zsh_script(commands) : bash_script(commands);
}

}  // namespace moesim
