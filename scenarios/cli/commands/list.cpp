#include "scenarios/cli/commands/list.h"

#include <fmt/format.h>

#include <iostream>

#include "base/input_error.h"
#include "hardware/read/profile_reference.h"
#include "hardware/read/profiles.h"
#include "models/config/catalog.h"
#include "reports/metrics/metric.h"
#include "reports/render/metrics_markdown.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/format/schema/schema_keys.h"

namespace moesim {

int list_command(const ListArguments& arguments) {
  const std::string& what = arguments.what;
  const bool markdown = arguments.markdown;
  if (markdown && what != "metrics" && what != "keys" && what != "profile-keys") {
    throw InputError({{"--markdown", 0, "", what, "keys, metrics or profile-keys expected"}});
  }
  if (what == "models") {
    for (const std::string& name : catalog_names()) std::cout << name << "\n";
  } else if (what == "hardware") {
    for (const char* kind : kProfileKinds) {
      std::cout << kind << ":\n";
      for (const std::string& name : profile_names(kind)) std::cout << "  " << name << "\n";
    }
  } else if (what == "keys") {
    std::cout << (markdown ? keys_markdown() : keys_text());
  } else if (what == "profile-keys") {
    std::cout << (markdown ? profile_keys_markdown() : profile_keys_text());
  } else if (markdown) {
    std::cout << metrics_markdown();
  } else {
    for (const MetricRow& row : metric_table()) {
      std::cout << fmt::format("{:34} {:12} {}\n", row.key, row.unit, row.meaning);
    }
  }
  return kExitDone;
}

}  // namespace moesim
