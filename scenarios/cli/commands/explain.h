// `moesim explain`: what makes two cases differ, part by part.
#pragma once

#include <string>

#include "scenarios/cli/commands/settings.h"

namespace moesim {

struct ExplainArguments {
  std::string file, a, b;
  SettingArguments changes;
  bool json = false;
};

// Returns the exit code. Throws: InputError for a faulty file or a case that is not in it.
int explain_command(const ExplainArguments& arguments);

}  // namespace moesim
