#include "scenarios/cli/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "base/input_error.h"
#include "scenarios/cli/commands/exit_code.h"

namespace moesim {
namespace {

// What is wrong with the command's name; empty = nothing.
std::string command_fault(const std::vector<Command>& commands, int argc, char** argv) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  if (argc < 2) return "a command expected: " + comma_list(names);
  const std::string given = argv[1];
  if (given.starts_with("-") || std::count(names.begin(), names.end(), given) > 0) return "";
  const std::string near = did_you_mean(given, names);
  return given + ": unknown command; " +
         (near.empty() ? "one of " + comma_list(names) : "did you mean " + near + "?");
}

// A script's unset variable ("$SHARD") must not read as if the option were left out.
void refuse_empty_values(CLI::Option& added, const Option& option) {
  added.check([&option](const std::string& text) {
    if (!text.empty()) return std::string();
    throw InputError(
        {{option.name, 0, "", "an empty text", "a value expected: " + full_help(option)}});
  });
}

CLI::Option* add_to(CLI::App& app, const std::string& name, const Option& option) {
  const std::string help = full_help(option);
  return std::visit(
      [&](auto* target) -> CLI::Option* {
        if constexpr (std::is_same_v<decltype(target), bool*>) {
          return app.add_flag(name, *target, help);
        } else {
          return app.add_option(name, *target, help);
        }
      },
      option.target);
}

// What help says between the name of an option and its meaning.
std::string text_beside_name(const Option& option) {
  std::string text = option.is_positional() && option.is_list() ? "..." : value_text(option);
  if (option.required) text += text.empty() ? "REQUIRED" : " REQUIRED";
  return text;
}

CLI::Option* add_option(CLI::App& app, const std::string& name, const Option& option) {
  CLI::Option* added = add_to(app, name, option);
  added->required(option.required);
  if (option.is_flag()) return added;
  added->type_name(option.value);
  added->option_text(text_beside_name(option));
  if (option.bounds) added->check(CLI::Range(option.bounds->least, option.bounds->most));
  if (!option.words.empty()) added->check(CLI::IsMember(option.words));
  if (option.is_positional()) return added;
  if (option.is_list()) added->allow_extra_args(false);
  refuse_empty_values(*added, option);
  return added;
}

void add_option_and_former_name(CLI::App& app, const Option& option) {
  CLI::Option* added = add_option(app, option.name, option);
  if (option.former_name.empty()) return;
  add_option(app, option.former_name, option)->group("")->excludes(added);
}

// An argument too many, or an option that there is not.
int tell_usage(const CLI::ExtrasError& error, const CLI::App& app,
               const std::vector<Command>& commands) {
  std::cerr << error.what() << "\n";
  for (const Command& command : commands) {
    if (app.got_subcommand(command.name)) std::cerr << "Usage: " << usage_text(command) << "\n";
  }
  std::cerr << "Run with --help for more information.\n";
  return kExitUsage;
}

}  // namespace

int parse_and_run(const std::vector<Command>& commands, int argc, char** argv) {
  CLI::App app{"moesim: what a Mixture-of-Experts deployment costs, against a dense one", "moesim"};
  app.set_version_flag("--version", "moesim " MOESIM_VERSION);
  app.require_subcommand(1);
  for (const Command& command : commands) {
    CLI::App* added = app.add_subcommand(command.name, command.help);
    for (const Option& option : command.options) add_option_and_former_name(*added, option);
  }
  if (const std::string fault = command_fault(commands, argc, argv); !fault.empty()) {
    std::cerr << fault << "\nRun with --help for more information.\n";
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError& e) {
    return tell_usage(e, app, commands);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitDone : kExitUsage;
  }
  const auto chosen = std::find_if(commands.begin(), commands.end(), [&](const Command& command) {
    return app.got_subcommand(command.name);
  });
  return chosen->run();
}

}  // namespace moesim
