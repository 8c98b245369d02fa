// The commands of moesim: what each is called, what it takes and what it does.
#pragma once

#include <string>
#include <vector>

#include "scenarios/cli/command.h"
#include "scenarios/cli/commands/check.h"
#include "scenarios/cli/commands/examples.h"
#include "scenarios/cli/commands/explain.h"
#include "scenarios/cli/commands/list.h"
#include "scenarios/cli/commands/merge.h"
#include "scenarios/cli/commands/route.h"
#include "scenarios/cli/commands/run.h"
#include "scenarios/cli/commands/schema.h"
#include "scenarios/cli/commands/show.h"
#include "scenarios/cli/commands/validate.h"

namespace moesim {

struct CompletionArguments {
  std::string shell;  // One of kShells.
};

// Arguments of all commands; parsing fills those of one.
struct Arguments {
  ExamplesArguments examples;
  RunArguments run;
  CheckArguments check;
  MergeArguments merge;
  ExplainArguments explain;
  RouteArguments route;
  ListArguments list;
  ShowArguments show;
  SchemaArguments schema;
  ValidateArguments validate;
  CompletionArguments completion;
};

// All commands, with `to` as the targets of their options. `run` shares its work with the
// other ranks of an MPI job; null without. Requires: `to` and `ranks` outlive the result.
std::vector<Command> command_line(Arguments& to, Ranks* ranks = nullptr);

}  // namespace moesim
