#include "scenarios/cli/commands/settings.h"

#include "base/input_error.h"
#include "scenarios/cases/scenario.h"

namespace moesim {

std::vector<Setting> settings_of(const SettingArguments& arguments) {
  std::vector<Setting> settings;
  for (const std::string& text : arguments.settings) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      throw InputError({{"--set", 0, "", text, "path=value expected, e.g. moe.model.top_k=4"}});
    }
    settings.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  if (arguments.seed) settings.push_back({"seed", std::to_string(*arguments.seed)});
  return settings;
}

}  // namespace moesim
