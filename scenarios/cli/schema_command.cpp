#include "scenarios/cli/schema_command.h"

#include <iostream>
#include <memory>

#include "reports/render/json/report_schema.h"
#include "scenarios/format/schema/scenario_schema.h"

namespace moesim {

void add_schema(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("schema", "JSON Schema of report.json or of scenario files");
  const auto what = std::make_shared<std::string>();
  command->add_option("WHAT", *what)->required()->check(CLI::IsMember({"report", "scenario"}));
  command->callback([what] {
    std::cout << (*what == "report" ? report_schema() : scenario_schema()).dump(1) << "\n";
  });
}

}  // namespace moesim
