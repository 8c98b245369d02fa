#include "scenarios/cli/command.h"

#include <fmt/format.h>

namespace moesim {
namespace {

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

}  // namespace

std::string value_text(const Option& option) {
  return option.words.empty() ? option.value : joined(option.words, "|");
}

std::string full_help(const Option& option) {
  std::string text = option.help;
  if (option.bounds) text += fmt::format(", {} to {}", option.bounds->least, option.bounds->most);
  if (!option.otherwise.empty()) text += " (" + option.otherwise + ")";
  if (option.is_list() && !option.is_positional()) text += " (repeatable)";
  return text;
}

std::string usage_text(const Command& command) {
  std::string text = "moesim " + command.name + " [OPTIONS]";
  for (const Option& option : command.options) {
    if (!option.is_positional()) continue;
    const std::string name = option.name + (option.is_list() ? "..." : "");
    text += option.required ? " " + name : " [" + name + "]";
  }
  return text;
}

}  // namespace moesim
