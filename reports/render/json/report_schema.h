// The JSON Schema of report.json, for programs that read it.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace moesim {

// Draft 2020-12. Metrics come from metric_table(); every other key is listed, and no further one is
// allowed, so that a change of the report's form cannot go unnoticed.
nlohmann::ordered_json report_schema();

}  // namespace moesim
