#include "scenarios/cli/commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "scenarios/cli/explain_command.h"
#include "scenarios/cli/route.h"
#include "scenarios/cli/run_command.h"
#include "scenarios/cli/schema_command.h"
#include "scenarios/cli/show.h"
#include "scenarios/cli/validate_command.h"

namespace moesim {
namespace {

// What is wrong with the command's name; empty = nothing.
std::string command_fault(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  if (argc < 2) return "a command expected: " + comma_list(names);
  const std::string given = argv[1];
  if (given.starts_with("-") || std::count(names.begin(), names.end(), given) > 0) return "";
  const std::string near = did_you_mean(given, names);
  return given + ": unknown command; " +
         (near.empty() ? "one of " + comma_list(names) : "did you mean " + near + "?");
}

// A script's unset variable ("$SHARD") must not read as if the option were left out.
void refuse_empty_values(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (!option->nonpositional()) continue;
    option->check([option](const std::string& text) {
      if (!text.empty()) return std::string();
      throw InputError({{option->get_name(), 0, "", "an empty text",
                         "a value expected: " + option->get_description()}});
    });
  }
}

}  // namespace

int run_command_line(int argc, char** argv, Ranks* ranks) {
  CLI::App app{"moesim: what a Mixture-of-Experts deployment costs, against a dense one"};
  app.set_version_flag("--version", "moesim " MOESIM_VERSION);
  app.require_subcommand(1);
  app.name("moesim");
  int code = kExitDone;
  add_run(app, code, ranks);
  add_check(app, code);
  add_merge(app, code);
  add_explain(app, code);
  add_route(app);
  add_list(app);
  add_show(app);
  add_schema(app);
  add_validate(app, code);
  for (CLI::App* command : app.get_subcommands(nullptr)) refuse_empty_values(*command);
  if (const std::string fault = command_fault(app, argc, argv); !fault.empty()) {
    std::cerr << fault << "\nRun with --help for more information.\n";
    return kExitUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitDone : kExitUsage;
  }
  return code;
}

}  // namespace moesim
