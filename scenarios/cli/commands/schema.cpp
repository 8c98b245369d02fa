#include "scenarios/cli/commands/schema.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "reports/render/json/report_schema.h"
#include "scenarios/cli/commands/exit_code.h"
#include "scenarios/format/schema/scenario_schema.h"

namespace moesim {

int schema_command(const SchemaArguments& arguments) {
  const bool of_report = arguments.what == "report";
  std::cout << (of_report ? report_schema() : scenario_schema()).dump(1) << "\n";
  return kExitDone;
}

}  // namespace moesim
